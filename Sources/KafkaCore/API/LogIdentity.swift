import KafkaProtocol

/// Which log of a partition a reader goes on in. A topic that was deleted and created again has
/// another one, whatever its name and its offsets say.
public struct LogIdentity: Hashable, Sendable {
    /// Zero where the cluster has no topic ids (before 2.8).
    var topicID = KafkaUUID.zero
    /// -1: not told.
    var leaderEpoch: Int32 = -1
    /// Of the partition as this client knows it: a number that no other of the loop has.
    let partition: UInt64
    /// How often that partition's log was found to be another one, in a cluster without topic ids.
    var restarts = 0

    init(partition: UInt64) { self.partition = partition }

    /// Whether this is certainly another log than the one that was read before.
    func differs(from earlier: LogIdentity) -> Bool {
        if topicID != .zero, earlier.topicID != .zero { return topicID != earlier.topicID }
        if partition == earlier.partition { return restarts != earlier.restarts }
        // Epochs of one log never fall.
        return leaderEpoch >= 0 && leaderEpoch < earlier.leaderEpoch
    }
}
