/// The inverse of the protobuf codec, as a client has it: small, slow and strict.
struct Wire {
    private(set) var bytes: [UInt8] = []

    // MARK: Writing

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func int(_ field: Int, _ value: Int64?) {
        guard let value else { return }
        varint(UInt64(field << 3))
        varint(UInt64(bitPattern: value))
    }

    mutating func bytes(_ field: Int, _ value: [UInt8]) {
        varint(UInt64(field << 3 | 2))
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func string(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

    mutating func message(_ field: Int, _ build: (inout Wire) -> Void) {
        var inner = Wire()
        build(&inner)
        bytes(field, inner.bytes)
    }

    // MARK: Reading

    enum Value: Equatable {
        case varint(UInt64)
        case bytes([UInt8])
    }

    struct Broken: Error {}

    /// The fields of a message in their order.
    static func fields(_ bytes: [UInt8]) throws -> [(number: Int, value: Value)] {
        var at = 0
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                guard at < bytes.count, shift < 64 else { throw Broken() }
                let byte = bytes[at]
                at += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
        }
        var fields: [(Int, Value)] = []
        while at < bytes.count {
            let tag = try varint()
            switch tag & 7 {
            case 0: fields.append((Int(tag >> 3), .varint(try varint())))
            case 2:
                let count = Int(try varint())
                guard count <= bytes.count - at else { throw Broken() }
                fields.append((Int(tag >> 3), .bytes(Array(bytes[at..<at + count]))))
                at += count
            default: throw Broken()
            }
        }
        return fields
    }
}

extension [(number: Int, value: Wire.Value)] {
    func int(_ field: Int) -> Int64? {
        for (number, value) in reversed() where number == field {
            if case .varint(let raw) = value { return Int64(bitPattern: raw) }
        }
        return nil
    }

    func bytes(_ field: Int) -> [UInt8]? { all(field).last }

    func string(_ field: Int) -> String? {
        bytes(field).map { String(decoding: $0, as: UTF8.self) }
    }

    func all(_ field: Int) -> [[UInt8]] {
        compactMap { number, value in
            if number == field, case .bytes(let bytes) = value { bytes } else { nil }
        }
    }
}
