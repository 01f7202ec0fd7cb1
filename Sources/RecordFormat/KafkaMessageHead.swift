import Bytes

/// What a record begins with, as `KafkaMessageWriter` writes it: its place in the log and its time,
/// without a look at the rest.
public struct KafkaMessageHead: Equatable, Sendable {
    public var offset: Int64 = 0
    /// Milliseconds since 1970; -1: none.
    public var timestamp: Int64 = 0

    /// Bytes of the longest one, with tag and length of the record in front.
    public static let bytesMax = 1 + 10 + 2 * (1 + 10)

    /// The head of the record that starts where the reader stands; the reader goes behind it. nil:
    /// no record does.
    ///
    /// - Parameter isCut: only the front of the record may be there.
    public init?(_ reader: inout ByteReader, isCut: Bool = false) {
        do throws(BytesError) {
            guard try reader.uint8() == 0x0a else { return nil }
            let length = try reader.uvarint64()
            let there = UInt64(reader.remaining)
            guard length <= there || isCut else { return nil }
            var body = ByteReader(try reader.slice(Int(min(length, there))))
            if body.isAt(0x08) { offset = Int64(bitPattern: try body.taggedVarint()) }
            if body.isAt(0x10) { timestamp = Int64(bitPattern: try body.taggedVarint()) }
        } catch { return nil }
    }
}

extension ByteReader {
    fileprivate func isAt(_ tag: UInt8) -> Bool { !isAtEnd && bytes[position] == tag }

    fileprivate mutating func taggedVarint() throws(BytesError) -> UInt64 {
        try skip(1)
        return try uvarint64()
    }
}
