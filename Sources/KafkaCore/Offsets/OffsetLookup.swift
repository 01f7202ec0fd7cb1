import KafkaProtocol
import Timing

/// Somebody wants to know the offset of a timestamp.
final class OffsetLookup: Slotted {
    /// Where it waits; it stands in exactly one list.
    enum Place {
        case nowhere
        /// For the topic's metadata.
        case topic(Topic)
        /// For an answer, asked for or not.
        case demand(OffsetDemand)
        /// For the end of a pause after an error.
        case pause
    }

    let topic: String
    let partition: Int32
    let timestamp: Int64
    let isolation: Isolation
    let deadline: Instant
    /// nil: for ourselves.
    let token: RequestToken?
    let completion: (Result<ListedOffset, KafkaFailure>) -> Void
    var isDone = false
    var lastFailure: KafkaFailure?
    var place = Place.nowhere
    var slot = 0
    /// An answer came late, and was not believed.
    var wasDoubted = false

    init(
        topic: String, partition: Int32, timestamp: Int64, isolation: Isolation,
        deadline: Instant, token: RequestToken?,
        completion: @escaping (Result<ListedOffset, KafkaFailure>) -> Void
    ) {
        self.topic = topic
        self.partition = partition
        self.timestamp = timestamp
        self.isolation = isolation
        self.deadline = deadline
        self.token = token
        self.completion = completion
    }
}

/// Look-ups of one timestamp of one partition, which one answer serves. Others join only while it
/// is not sent.
final class OffsetDemand: Joinable {
    unowned(unsafe) let partition: PartitionLookups
    let key: JoinKey
    var lookups = SlotList<OffsetLookup>()
    var isSent = false
    var slot = 0
    var order = 0

    init(_ partition: PartitionLookups, _ key: JoinKey) {
        self.partition = partition
        self.key = key
    }

    var isWanted: Bool { !lookups.isEmpty }
}

/// One ListOffsets request in flight: one timestamp of each of several partitions, each perhaps
/// for many.
final class OffsetBatch: WholeAnswerPurpose {
    struct Entry {
        let partition: PartitionLookups
        let demand: OffsetDemand
        /// Or others lead the partition by now, and are asked.
        var isAnswered = false

        var timestamp: Int64 { demand.key.value }
    }

    unowned(unsafe) let lister: OffsetLister
    let broker: Broker
    let isolation: Isolation
    var entries: [Entry] = []
    /// Where a partition stands among them.
    var places: [ObjectIdentifier: Int] = [:]

    init(_ lister: OffsetLister, _ broker: Broker, _ isolation: Isolation) {
        self.lister = lister
        self.broker = broker
        self.isolation = isolation
    }

    func answered(_ response: ListOffsetsResponse, _ answer: Answer) {
        lister.received(self, response, answer)
    }

    func lost(_ failure: KafkaFailure) { lister.lost(self, failure) }

    var isAbandoned: Bool { entries.allSatisfy(\.isAnswered) }
}
