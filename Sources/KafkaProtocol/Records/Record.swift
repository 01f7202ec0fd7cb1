/// One record, as pointers into its batch's bytes. They are valid as long as those bytes.
public struct Record {
    public var offset: Int64
    /// Milliseconds; -1 if the record has none (magic 0).
    public var timestamp: Int64
    /// nil for null, which is not the same as empty: a record with a null value deletes its key.
    public var key: UnsafeRawPointer?
    /// -1 for null.
    public var keyCount: Int
    public var value: UnsafeRawPointer?
    /// -1 for null.
    public var valueCount: Int
    /// The headers as they stand in the batch; `RecordHeaderReader` walks them. Their lengths have
    /// been checked.
    public var headers: UnsafeRawPointer?
    public var headersByteCount: Int
    public var headerCount: Int

    @inlinable
    public init() {
        offset = 0
        timestamp = -1
        key = nil
        keyCount = -1
        value = nil
        valueCount = -1
        headers = nil
        headersByteCount = 0
        headerCount = 0
    }

    @inlinable
    public var keyBytes: UnsafeRawBufferPointer? {
        key.map { UnsafeRawBufferPointer(start: $0, count: keyCount) }
    }

    @inlinable
    public var valueBytes: UnsafeRawBufferPointer? {
        value.map { UnsafeRawBufferPointer(start: $0, count: valueCount) }
    }
}
