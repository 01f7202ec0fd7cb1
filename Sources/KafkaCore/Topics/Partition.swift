import Timing

/// One partition: which it is, and who leads it. The metadata service alone writes it; what others
/// keep of a partition stands in tables of their own, and changes with `PartitionChange`.
final class Partition {
    let topic: Topic
    let index: Int32
    var leader: Broker?
    var leaderEpoch: Int32 = -1
    /// Since when leader and epoch are these.
    var leaderSince = Instant.zero
    /// The epoch is a hint's (KIP-951), which no metadata has confirmed yet.
    var isHinted = false
    /// What metadata said of a leader that is not there.
    var leaderless = "no leader"

    init(_ topic: Topic, _ index: Int32) {
        self.topic = topic
        self.index = index
    }

    var name: String { "\(topic.name)-\(index)" }
}

/// A partition has another leader, or the same one under another epoch.
struct PartitionChange {
    /// As it is now.
    let partition: Partition
    let oldLeader: Broker?
    let oldEpoch: Int32

    var hasNewLeader: Bool { partition.leader !== oldLeader }
    /// An election: the log may end elsewhere than where it was read.
    var hasNewEpoch: Bool { partition.leaderEpoch != oldEpoch && oldEpoch >= 0 }
    /// Epochs of one log never fall.
    var isOtherLog: Bool { partition.leaderEpoch < oldEpoch && partition.topic.id == .zero }
}
