import KafkaProtocol
import Timing

/// What is read of one partition: its log's cached part, and who wants what of it.
final class PartitionReads: PartitionEntry, Slotted {
    let partition: Partition
    let log: PartitionLog
    /// As this service was told last.
    private(set) var leader: BrokerReads?
    private(set) var leaderEpoch: Int32
    /// The replica that its leader has named as nearer to us (KIP-392), until its word is too old.
    private(set) var nearby: (replica: BrokerReads, until: Instant)?
    /// Such a replica did not help: before that the leader is not told where we are.
    private(set) var staysWithLeaderUntil = Instant.zero
    /// As last told by a fetch.
    var position = PartitionPosition.unknown

    /// When a fetch was last answered well; nil: never.
    var confirmedAt: Instant?
    /// The leader did not know the topic when last asked: it may be gone.
    var isDoubtful = false
    /// A reader of cached records has waited for an answer as long as it may, and none came since.
    var isSilent = false
    /// How far the log was read, and when that was known.
    var readTo: (offset: Int64, at: Instant) = (0, .zero)

    /// Not sent yet.
    var demands = JoinQueue<Demand>()
    /// Demands in flight.
    private var sent: [Demand] = []
    /// Since the beginning.
    private var sentCount = 0
    /// Bytes of a response, and of how many offsets they told; nil: none has come yet.
    private var density: (bytes: Int, offsets: Int64)?
    /// Stands in its leader's queue, in the slot.
    var isQueued = false
    var slot = 0
    /// Goes first in the next request: it was left out of the last one (KIP-74 lets a broker).
    var isStarved = false
    /// After answers that did not help nothing is fetched before.
    var pace: RetryPace
    /// Long polls do not get on with it, whatever point reads say.
    var failsPolls = false
    /// Deleted or re-created: readers begin anew, by name.
    var isAbandoned = false
    /// KIP-516: unknown topic ids pass after creation, and don't after re-creation.
    var unknownTopicIDs = 0
    /// Records that cannot be read, by what they are: the log knows of them.
    var unreadable = Trouble()
    /// The log was found to end before what was read of it.
    var truncation = Trouble()
    private var follows: [Follow?] = [nil, nil]

    init(
        _ partition: Partition, leader: BrokerReads?, cache: LogCache,
        backoffMaxMilliseconds: Int64
    ) {
        self.partition = partition
        self.leader = leader
        leaderEpoch = partition.leaderEpoch
        log = PartitionLog(topic: partition.topic.name, partition: partition.index, cache: cache)
        log.identity.topicID = partition.topic.id
        log.identity.leaderEpoch = partition.leaderEpoch
        pace = RetryPace(
            initialMilliseconds: KafkaLimits.firstRetryMilliseconds,
            maximumMilliseconds: backoffMaxMilliseconds)
    }

    var topic: Topic { partition.topic }
    var index: Int32 { partition.index }
    var name: String { partition.name }

    /// Where it is read.
    var source: BrokerReads? { nearby?.replica ?? leader }

    /// The log's ends are the new leader's to tell.
    func setLeader(_ leader: BrokerReads?, epoch: Int32) {
        self.leader = leader
        leaderEpoch = epoch
        log.identity.leaderEpoch = epoch
        nearby = nil
        position = .unknown
    }

    func readNearby(_ replica: BrokerReads, until: Instant) {
        nearby = (replica, until)
        position = .unknown
    }

    func readAtLeader(until: Instant) {
        nearby = nil
        staysWithLeaderUntil = until
        position = .unknown
    }

    func follow(_ isolation: Isolation) -> Follow? { follows[Int(isolation.rawValue)] }
    func setFollow(_ isolation: Isolation, _ follow: Follow?) {
        follows[Int(isolation.rawValue)] = follow
    }

    /// The demand that a reader at `offset` may join.
    func demand(at offset: Int64, _ isolation: Isolation) -> Demand {
        if let demand = demands[JoinKey(value: offset, isolation: isolation)] { return demand }
        let demand = Demand(self, offset: offset, isolation: isolation)
        demands.append(demand)
        return demand
    }

    func noteRead(to offset: Int64, now: Instant) {
        if offset > readTo.offset { readTo = (offset, now) }
    }

    /// Back into the queue, in front: it was sent and not answered. For `PointReader.askAgain`
    /// only, which sees to the pause.
    func requeue(_ demand: Demand) {
        demand.isSent = false
        demand.expectedEnd = .min
        if let other = demands[demand.key] {
            for reader in demand.readers { reader.place = .demand(other) }
            other.readers.append(contentsOf: demand.readers.takeAll())
            other.bytesMin = max(other.bytesMin, demand.bytesMin)
            other.starvations = max(other.starvations, demand.starvations)
            other.confirms = other.confirms && demand.confirms
        } else {
            demands.prepend(demand)
        }
    }

    var sentDemands: Int { sent.count }

    /// The next demand to send for this isolation level; nil if there is none that what is in
    /// flight will not bring. It is about to ask for so many bytes.
    func takeDemand(_ isolation: Isolation, bytes: Int) -> Demand? {
        let few = demands.firstFew(isolation)
        guard let first = few.first(where: { !passesOver($0) }) else { return nil }
        let demand = lowest(of: few, bringing: first, bytes: bytes)
        demands.remove(demand)
        demand.isSent = true
        sent.append(demand)
        sentCount &+= 1
        return demand
    }

    /// Of those that would bring along what the first wants, the one that begins in front of all
    /// others: the other way round each of them has to be asked for.
    private func lowest(of few: [Demand], bringing first: Demand, bytes: Int) -> Demand {
        guard density != nil, !first.confirms else { return first }
        var lowest = first
        for other in few where other.offset < lowest.offset {
            if brings(other, first, bytes: bytes) { lowest = other }
        }
        // Somebody may want to go on where the cache ends.
        if let end = log.lastEnd(notBehind: lowest.offset), end < lowest.offset,
            let other = demands[JoinKey(value: end, isolation: first.isolation)],
            brings(other, lowest, bytes: bytes)
        {
            lowest = other
        }
        return lowest
    }

    private func brings(_ demand: Demand, _ other: Demand, bytes: Int) -> Bool {
        demand.isWanted && !demand.confirms && other.offset < end(of: bytes, from: demand.offset)
            && !isComing(demand)
    }

    private func passesOver(_ demand: Demand) -> Bool {
        guard !demand.confirms, isComing(demand) else { return false }
        let since = demand.passedOverAt ?? sentCount
        demand.passedOverAt = since
        return sentCount &- since < Demand.passedOverMax
    }

    private func isComing(_ demand: Demand) -> Bool {
        sent.contains { $0.isolation == demand.isolation && $0.brings(demand.offset) }
    }

    /// The demand was sent, and asks for so many bytes.
    func expect(_ bytes: Int, for demand: Demand) {
        guard !demand.confirms else { return }
        let expected = end(of: bytes, from: demand.offset)
        let end = end(demand.isolation)
        demand.expectedEnd = end >= 0 ? min(expected, end) : expected
    }

    /// How far so many bytes go, as far as anybody knows.
    private func end(of bytes: Int, from offset: Int64) -> Int64 {
        guard let density, offset < .max / 2 else { return offset }
        let (offsets, overflow) = Int64(bytes).multipliedReportingOverflow(by: density.offsets)
        return overflow ? offset : offset + min(offsets / Int64(density.bytes), .max / 2)
    }

    /// The demand is not in flight any more.
    func isBack(_ demand: Demand) {
        if let place = sent.firstIndex(where: { $0 === demand }) { sent.remove(at: place) }
    }

    /// A response has told of so many offsets.
    func noteDensity(bytes: Int, offsets: Int64) {
        if bytes > 0, offsets > 0 { density = (bytes, offsets) }
    }

    /// Requests for it wait to be sent or to be answered.
    var isAsked: Bool { !sent.isEmpty || !demands.isEmpty }

    /// Somebody waits for something of it.
    var isInUse: Bool {
        isAsked || Isolation.allCases.contains { !(follow($0)?.isEmpty ?? true) }
    }

    /// All readers that wait here and whose request is not in flight.
    func takeReaders() -> [Reader] {
        var taken: [Reader] = []
        for demand in demands.takeAll() { taken += demand.readers.takeAll() }
        for isolation in Isolation.allCases {
            guard let follow = follow(isolation) else { continue }
            taken += follow.takeWaiters()
        }
        for reader in taken { reader.place = .nowhere }
        return taken
    }

    /// What may be told of its ends: nothing, unless a poll in flight would have brought any
    /// change. While the leader is silent nothing is known: another may be in its place.
    func told(_ isolation: Isolation) -> PartitionPosition {
        guard let leader = source?.broker, !leader.isLate, follow(isolation)?.isCurrent == true
        else { return .unknown }
        return position
    }

    /// The offset behind the last record that a reader may see, as last told; -1: not told.
    func end(_ isolation: Isolation) -> Int64 {
        isolation == .readCommitted && position.lastStableOffset >= 0
            ? position.lastStableOffset : position.highWatermark
    }
}
