/// What is wrong with a record set, and where. The offset counts from the start of the bytes that
/// the reader was given.
public struct RecordError: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The bytes end inside of a record whose batch is complete.
        case truncated
        /// A variable-length integer is longer than its type allows.
        case varintTooLong
        /// A length is negative where null is not allowed, or reaches beyond what holds it.
        case invalidLength
        /// A count is negative, or more than the bytes can hold.
        case invalidCount
        /// An offset is negative, overflows, or does not grow from record to record.
        case invalidOffset
        /// Bytes follow the last record.
        case trailingBytes
        /// CRC-32C, or CRC-32 in the older formats.
        case checksumMismatch
        /// A format that this library does not know. The batch can be passed over.
        case unknownMagic(Int8)
        /// A compression code that no version of Kafka defines. The batch can be passed over.
        case unknownCodec(Int)
        /// The messages in a compressed wrapper are of another format, or compressed again.
        case invalidWrapper
        /// There is no memory for a record. Told by whoever writes records.
        case outOfMemory
    }

    public var reason: Reason
    public var offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}

extension RecordError: CustomStringConvertible {
    public var description: String { "\(text) at byte \(offset)" }

    private var text: String {
        switch reason {
        case .truncated: "record is cut"
        case .varintTooLong: "integer is too long"
        case .invalidLength: "invalid length"
        case .invalidCount: "invalid count"
        case .invalidOffset: "invalid offset"
        case .trailingBytes: "bytes behind the last record"
        case .checksumMismatch: "checksum does not match"
        case .unknownMagic(let magic): "unknown record format \(magic)"
        case .unknownCodec(let code): "unknown compression \(code)"
        case .invalidWrapper: "invalid wrapper message"
        case .outOfMemory: "out of memory"
        }
    }
}
