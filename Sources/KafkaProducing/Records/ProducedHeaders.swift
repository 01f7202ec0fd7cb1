import Bytes

/// The headers of one record, as they stand in a batch. Made again for the next record without an
/// allocation.
public struct ProducedHeaders: ~Copyable {
    private var writer = ByteWriter()
    public private(set) var count = 0

    public init() {}

    public mutating func removeAll() {
        writer.removeFirst(writer.count)
        count = 0
    }

    /// nil for a value that is null, which is not the same as empty.
    public mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
        writer.varint(Int64(name.count))
        writer.bytes(name)
        writer.varint(value.map { Int64($0.count) } ?? -1)
        if let value { writer.bytes(value) }
        count += 1
    }

    /// For `ProducedRecord.headers`; valid during the call.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        writer.withBytes(body)
    }
}
