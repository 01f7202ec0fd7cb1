import KafkaProtocol

/// A topic and its partitions. A topic that is deleted and made again is another one: its id
/// differs, its offsets begin at 0.
final class Topic {
    let name: String
    let id: KafkaUUID
    var settings: TopicSettings
    private(set) var partitions: [Partition] = []

    /// Topics that clients must not write, as the broker says in Metadata.
    var isInternal: Bool { name == "__consumer_offsets" || name == "__transaction_state" }

    init(name: String, id: KafkaUUID, settings: TopicSettings) {
        self.name = name
        self.id = id
        self.settings = settings
    }

    func add(_ partition: Partition) {
        precondition(partition.index == Int32(partitions.count))
        partitions.append(partition)
    }

    func partition(_ index: Int32) -> Partition? {
        index >= 0 && index < Int32(partitions.count) ? partitions[Int(index)] : nil
    }
}
