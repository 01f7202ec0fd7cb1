/// The identity of one partition's log, and what is cached of it.
public final class PartitionLog {
    public let topic: String
    public let partition: Int32

    init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }
}
