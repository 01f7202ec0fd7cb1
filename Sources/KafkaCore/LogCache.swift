/// Decoded records of all clusters of one loop under one byte budget; the least recently used run
/// goes first.
public final class LogCache {
    public let budgetBytes: Int
    /// What the cache holds now, capacities and indexes included.
    public private(set) var byteCount = 0
    public private(set) var hits: UInt64 = 0
    public private(set) var misses: UInt64 = 0

    public init(budgetBytes: Int = 64 << 20) { self.budgetBytes = budgetBytes }

    /// At most `limit` bytes at the cursor. Valid until the next call of anything but `bytes` and
    /// `advance` on this loop's clusters. nil: evicted; read again from `cursor.offset`
    /// (`cluster.read`), then go on with the same cursor. Empty only at the end.
    public func bytes(at cursor: RecordCursor, upTo limit: Int) -> UnsafeRawBufferPointer? {
        preconditionFailure("to follow")
    }

    /// Takes `count` bytes of what `bytes` just answered.
    public func advance(_ cursor: inout RecordCursor, by count: Int) {
        preconditionFailure("to follow")
    }
}
