import Bytes

/// A `KafkaMessage` as a reader of the protocol sees it: our own few lines of protobuf, so that the
/// tests do not judge the writer by itself.
struct DecodedMessage: Equatable {
    var offset: Int64 = 0
    var timestamp: Int64 = 0
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [(name: String, value: [UInt8]?)] = []
    var isAppendTime = false

    static func == (a: DecodedMessage, b: DecodedMessage) -> Bool {
        a.offset == b.offset && a.timestamp == b.timestamp && a.key == b.key && a.value == b.value
            && a.isAppendTime == b.isAppendTime
            && a.headers.map(\.name) == b.headers.map(\.name)
            && a.headers.map(\.value) == b.headers.map(\.value)
    }

    /// Repeated field 1 of a fetch reply.
    static func all(_ bytes: [UInt8]) throws -> [DecodedMessage] {
        try bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            var messages: [DecodedMessage] = []
            while !reader.isAtEnd {
                guard try reader.uvarint() == 0x0a else { throw BytesError(.invalidValue, at: 0) }
                messages.append(try one(try reader.slice(Int(try reader.uvarint()))))
            }
            return messages
        }
    }

    private static func one(_ raw: UnsafeRawBufferPointer) throws -> DecodedMessage {
        var reader = ByteReader(raw)
        var message = DecodedMessage()
        while !reader.isAtEnd {
            switch try reader.uvarint() {
            case 1 << 3: message.offset = Int64(bitPattern: try reader.uvarint64())
            case 2 << 3: message.timestamp = Int64(bitPattern: try reader.uvarint64())
            case 3 << 3 | 2: message.key = [UInt8](try reader.slice(Int(try reader.uvarint())))
            case 4 << 3 | 2: message.value = [UInt8](try reader.slice(Int(try reader.uvarint())))
            case 101 << 3 | 2: message.headers.append(try header(&reader))
            case 102 << 3: message.isAppendTime = try reader.uvarint() == 1
            default: throw BytesError(.invalidValue, at: reader.position)
            }
        }
        return message
    }

    private static func header(_ outer: inout ByteReader) throws -> (String, [UInt8]?) {
        var reader = ByteReader(try outer.slice(Int(try outer.uvarint())))
        var name = ""
        var value: [UInt8]?
        while !reader.isAtEnd {
            let tag = try reader.uvarint()
            let bytes = [UInt8](try reader.slice(Int(try reader.uvarint())))
            if tag == 1 << 3 | 2 {
                name = String(decoding: bytes, as: UTF8.self)
            } else {
                value = bytes
            }
        }
        return (name, value)
    }
}
