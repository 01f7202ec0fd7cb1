/// The answer of an offset look-up.
public struct ListedOffset: Hashable, Sendable {
    /// -1: no record at or after the asked timestamp.
    public var offset: Int64
    /// Milliseconds since 1970 of the record found; -1 for the special timestamps.
    public var timestamp: Int64
    /// -1 where the broker does not tell (ListOffsets before version 4).
    public var leaderEpoch: Int32

    public init(offset: Int64, timestamp: Int64 = -1, leaderEpoch: Int32 = -1) {
        self.offset = offset
        self.timestamp = timestamp
        self.leaderEpoch = leaderEpoch
    }
}
