import KafkaProtocol

/// A record on its way into a batch. Its pointers are needed during the call alone.
public struct ProducedRecord {
    /// nil for null, which is not the same as empty.
    public var key: UnsafeRawBufferPointer?
    public var value: UnsafeRawBufferPointer?
    /// Headers as they stand in a batch: a varint of the name's length, the name, a varint of the
    /// value's length or -1, the value; one behind the other.
    public var headers: UnsafeRawBufferPointer
    public var headerCount: Int
    /// Milliseconds since 1970.
    public var timestamp: Int64
    /// The sender's own; comes back with the report.
    public var token: UInt64

    @inlinable
    public init(
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        headerCount: Int = 0, timestamp: Int64, token: UInt64
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.headerCount = headerCount
        self.timestamp = timestamp
        self.token = token
    }
}

extension ProducedRecord {
    /// A record's length, attributes, distances, and the counts of key, value and headers.
    static let overheadMax = 5 + 1 + 10 + 5 + 5 + 5 + 5
    public static var overheadBytesMax: Int { overheadMax }

    /// What it takes in a batch at most, wherever it comes to stand: what it counts for in
    /// `ProducerSettings.bufferBytes`.
    public var byteCountMax: Int {
        (key?.count ?? 0) + (value?.count ?? 0) + headers.count + Self.overheadMax
    }

    /// As it is read from a batch, and written to one.
    var record: Record {
        var record = Record()
        record.timestamp = timestamp
        record.key = key.map { $0.baseAddress ?? Self.nowhere }
        record.keyCount = key?.count ?? -1
        record.value = value.map { $0.baseAddress ?? Self.nowhere }
        record.valueCount = value?.count ?? -1
        record.headers = headers.baseAddress
        record.headersByteCount = headers.count
        record.headerCount = headerCount
        return record
    }

    /// An address for no bytes: null is something else.
    private static var nowhere: UnsafeRawPointer {
        UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
    }
}
