import Bytes
import KafkaCore
import KafkaProducing
import PubSubProtocol
import Timing

typealias WaitingCommands = SlotList<ProduceInProgress>

/// One CmdProduce between its coming and its answer.
final class ProduceInProgress: Slotted {
    /// Who is to be told.
    struct Waiter {
        /// `SessionID.raw`.
        let session: UInt64
        let command: UInt64
    }

    /// What it waits for room in.
    enum Place {
        case topic(ProducerUse.Topic)
        case buffer
    }

    var slot = 0
    /// Its tokens begin with it.
    let number: Int
    let session: ProducingSession
    let use: ProducerUse
    let rules: ProduceRules
    /// The first is who has asked; the others came with the same id.
    var waiters: [Waiter]
    /// nil: it has no id that anybody remembers.
    let id: ProduceIDs.Key?
    private(set) var results: [ProduceResult]
    private(set) var troubles: [ProduceTrouble] = []
    /// Handed in, and not reported of.
    private(set) var unreported = 0
    /// The first record that is not handed in, or refused.
    private(set) var next = 0
    /// What it is charged for.
    private(set) var bytes = 0
    /// The message, while records of it wait for room.
    private(set) var rest: KeptRecords?
    /// Of the records that were acknowledged.
    private(set) var acknowledged = 0
    /// Nobody can tell of some.
    private(set) var isUncertain = false

    init(
        _ number: Int, _ session: ProducingSession, _ use: ProducerUse, _ rules: ProduceRules,
        _ waiter: Waiter, id: ProduceIDs.Key?, count: Int
    ) {
        self.number = number
        self.session = session
        self.use = use
        self.rules = rules
        self.id = id
        waiters = [waiter]
        let none = ProduceResult(partition: -1, offset: -1, timestamp: -1)
        results = Array(repeating: none, count: count)
        charge(count * MemoryLayout<ProduceResult>.stride)
    }

    var recordCount: Int { results.count }
    var isDone: Bool { next == results.count && unreported == 0 }

    private func charge(_ count: Int) {
        bytes += count
        session.bytes += count
    }

    // MARK: Records

    func accepted(_ timestamp: Int64, _ size: Int) {
        results[next].timestamp = timestamp
        next += 1
        unreported += 1
        charge(size)
    }

    /// The record at `next` is not sent.
    func refuse(_ trouble: ProduceTrouble) {
        fail(next, -1, trouble)
        next += 1
    }

    /// The producer has ended.
    func refuseRest(_ failure: ProduceFailure) {
        while next < results.count { refuse(.failed(failure)) }
    }

    private func fail(_ index: Int, _ partition: Int32, _ trouble: ProduceTrouble) {
        if trouble.mayBeStored { isUncertain = true }
        results[index] = .failed(place(of: trouble), partition: partition)
    }

    /// Most have one, if any; many would take long to look through.
    private func place(of trouble: ProduceTrouble) -> Int {
        if let known = troubles.suffix(Self.troublesLookedAt).lastIndex(of: trouble) {
            return known
        }
        troubles.append(trouble)
        return troubles.count - 1
    }

    private static let troublesLookedAt = 8

    func delivered(_ index: Int, _ partition: Int32, _ offset: Int64, appendedAt: Int64) {
        results[index].partition = partition
        results[index].offset = offset
        if appendedAt >= 0 { results[index].timestamp = appendedAt }
        acknowledged += 1
        unreported -= 1
    }

    func failed(_ index: Int, _ partition: Int32, _ failure: ProduceFailure) {
        fail(index, partition, .failed(failure))
        unreported -= 1
    }

    // MARK: Waiting

    func keep(_ rest: KeptRecords) {
        guard self.rest == nil else { return }
        self.rest = rest
        session.waitingCount += 1
        charge(rest.byteCount)
    }

    func letGoOfRest() {
        guard let rest else { return }
        self.rest = nil
        session.waitingCount -= 1
        charge(-rest.byteCount)
    }
}
