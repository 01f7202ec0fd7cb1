/// A partition with its log. All replicas share one log: the cluster is never inconsistent but
/// where a test says so.
final class Partition {
    unowned let topic: Topic
    let index: Int32
    var log = PartitionLog()
    var producers = ProducerStates()
    var aborted = AbortedTransactions()
    var epochs = LeaderEpochs()
    let replicas: [Int32]
    var inSyncReplicas: [Int32]
    /// -1: none.
    var leader: Int32
    var leaderEpoch: Int32 = 0
    /// The high watermark if it stays behind the end: what slow followers would do.
    var heldHighWatermark: Int64?
    /// Connections whose Fetch waits for this partition.
    var waiting: Set<ClientConnectionID> = []

    init(topic: Topic, index: Int32, replicas: [Int32]) {
        self.topic = topic
        self.index = index
        self.replicas = replicas
        inSyncReplicas = replicas
        leader = replicas.first ?? -1
    }

    var highWatermark: Int64 {
        max(log.startOffset, min(heldHighWatermark ?? log.endOffset, log.endOffset))
    }

    /// Records before it belong to no open transaction.
    var lastStableOffset: Int64 {
        min(producers.firstOpenOffset ?? highWatermark, highWatermark)
    }

    /// The end for a reader of this isolation level.
    func end(committed: Bool) -> Int64 { committed ? lastStableOffset : highWatermark }
}
