import KafkaProtocol
import Timing

/// A topic of one producer: its partitions' queues, and the choice among them.
public final class ProducerTopic {
    enum State {
        case unknown
        /// The cluster is asked for its partitions.
        case wanted
        case known
    }

    public let name: String
    /// Zero: the cluster has told none.
    public internal(set) var id = KafkaUUID.zero
    var state = State.unknown
    /// Why the cluster tells nothing of it, and since when; nil: it does.
    private(set) var trouble: (failure: ProduceFailure, since: Instant)?
    /// The producer looks at it then; nil: nobody has asked for that.
    var watchedAt: Instant?
    /// The producer has taken it out of its table.
    var isForgotten = false
    /// Of the partitions that the cluster has told.
    private(set) var partitionCount: Int32 = 0
    /// Those with a leader, in order.
    private(set) var led: [Int32] = []
    /// By index.
    private(set) var queues: [PartitionQueue] = []
    /// Records whose partition cannot be chosen yet.
    var unplaced = FIFO<UnplacedRecord>()
    private var sticky = StickyChoice()
    private var nextInTurn: Int32 = 0

    init(_ name: String) { self.name = name }

    /// Nothing of it waits.
    var isEmpty: Bool { unplaced.isEmpty && queues.allSatisfy(\.isEmpty) }

    /// As far as is known.
    func hasNo(_ partition: Int32) -> Bool {
        if case .known = state { partition >= partitionCount } else { false }
    }

    func isMissing(_ failure: ProduceFailure, _ now: Instant) {
        trouble = (failure, trouble?.since ?? now)
    }

    func queue(_ index: Int32, _ settings: ProducerSettings) -> PartitionQueue {
        while queues.count <= Int(index) {
            queues.append(PartitionQueue(self, Int32(queues.count), settings))
        }
        return queues[Int(index)]
    }

    /// What the cluster tells. Answers the queues whose leader is another one.
    func tell(_ partitions: [PartitionLeader], _ settings: ProducerSettings) -> [PartitionQueue] {
        state = .known
        trouble = nil
        partitionCount = (partitions.lazy.map(\.index).max() ?? -1) + 1
        led = partitions.lazy.filter { $0.leader >= 0 }.map(\.index).sorted()
        var moved: [PartitionQueue] = []
        for partition in partitions {
            let queue = queue(partition.index, settings)
            if queue.lead(partition.leader, epoch: partition.epoch) { moved.append(queue) }
        }
        return moved
    }

    /// It was deleted and created again.
    func becameAnother(_ id: KafkaUUID) { self.id = id }

    // MARK: Choosing

    /// nil: the record has to say, and does not.
    func choose(
        _ record: borrowing ProducedRecord, _ settings: ProducerSettings,
        _ random: inout SeededRandom
    ) -> PartitionQueue? {
        let index: Int32
        switch settings.partitioner.choose(record.key, partitionCount: partitionCount) {
        case .partition(let chosen): index = chosen
        case .sticky: index = sticky.partition(of: partitionCount, led: led, &random)
        case .random:
            index =
                led.isEmpty
                ? Int32.random(in: 0..<partitionCount, using: &random)
                : led[Int.random(in: 0..<led.count, using: &random)]
        case .next:
            index = nextInTurn % partitionCount
            nextInTurn = (index + 1) % partitionCount
        case .refused: return nil
        }
        return queues[Int(index)]
    }

    /// A record without a key went to `queue`.
    func noteAppended(
        _ size: Int, to queue: PartitionQueue, isFull: Bool, _ settings: ProducerSettings,
        _ random: inout SeededRandom
    ) {
        guard settings.partitioner == .sticky, sticky.current == queue.index else { return }
        sticky.appended(
            size, batchBytes: settings.batchBytes, isFull: isFull, of: partitionCount, led: led,
            &random)
    }

    /// How the batches that wait lie. `isAvailable` is asked of a partition's leader.
    func weigh(_ settings: ProducerSettings, _ isAvailable: (Int32) -> Bool) {
        guard settings.partitioner == .sticky, settings.isAdaptive, led.count > 1 else { return }
        let available = led.filter { isAvailable(queues[Int($0)].leader) }
        sticky.update(
            LoadWeights(
                available.map { (partition: $0, batches: queues[Int($0)].waitingCount) },
                isPartial: available.count < led.count))
    }
}

/// Who leads a partition, as the cluster tells it.
public struct PartitionLeader: Hashable, Sendable {
    public var index: Int32
    /// Node id; -1: nobody.
    public var leader: Int32
    /// -1: not told.
    public var epoch: Int32

    public init(index: Int32, leader: Int32, epoch: Int32) {
        self.index = index
        self.leader = leader
        self.epoch = epoch
    }
}

/// When a record came that has waited.
struct WaitedRecord {
    /// Which flushes wait for it.
    var generation: Int
    var acceptedAt: Instant
}

/// A record that waits for the number of its topic's partitions: a copy of its own.
struct UnplacedRecord {
    /// The one that it names; nil: none.
    var partition: Int32?
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [UInt8]
    var headerCount: Int
    var timestamp: Int64
    var token: UInt64
    var bufferBytes: Int
    var waited: WaitedRecord

    init(
        _ record: borrowing ProducedRecord, _ partition: Int32?, bufferBytes: Int,
        _ waited: WaitedRecord
    ) {
        self.partition = partition
        key = record.key.map { [UInt8]($0) }
        value = record.value.map { [UInt8]($0) }
        headers = [UInt8](record.headers)
        headerCount = record.headerCount
        timestamp = record.timestamp
        token = record.token
        self.bufferBytes = bufferBytes
        self.waited = waited
    }

    func withRecord(_ body: (borrowing ProducedRecord) -> Void) {
        (key ?? []).withUnsafeBytes { keyBytes in
            (value ?? []).withUnsafeBytes { valueBytes in
                headers.withUnsafeBytes { headerBytes in
                    body(
                        ProducedRecord(
                            key: key == nil ? nil : keyBytes,
                            value: value == nil ? nil : valueBytes, headers: headerBytes,
                            headerCount: headerCount, timestamp: timestamp, token: token))
                }
            }
        }
    }
}
