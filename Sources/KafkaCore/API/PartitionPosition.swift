/// Where a partition stands, as told by a request that was sent after the read arrived, or by the
/// tail that follows the partition. -1: not known freshly (the records came from the cache).
public struct PartitionPosition: Hashable, Sendable {
    public var highWatermark: Int64
    public var lastStableOffset: Int64
    public var logStartOffset: Int64

    public init(
        highWatermark: Int64 = -1, lastStableOffset: Int64 = -1, logStartOffset: Int64 = -1
    ) {
        self.highWatermark = highWatermark
        self.lastStableOffset = lastStableOffset
        self.logStartOffset = logStartOffset
    }

    public static let unknown = PartitionPosition()
}
