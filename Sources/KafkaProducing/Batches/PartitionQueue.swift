import KafkaProtocol
import Timing

/// The batches of one partition: the one that is filled, those that wait, those that were sent.
/// It alone knows their order, and their places in the producer's sequence.
final class PartitionQueue: Slotted {
    unowned let topic: ProducerTopic
    let index: Int32
    /// Node id; -1: nobody leads, or nobody knows who does.
    private(set) var leader: Int32 = -1
    private(set) var leaderEpoch: Int32 = -1

    private var open: ProducerBatch?
    /// The open one has waited long enough.
    private var openIsDue = false
    private var closed = FIFO<ProducerBatch>()
    /// Sent and not finished, in the order of their sequence.
    private(set) var sent: [ProducerBatch] = []

    /// A batch of this identity has arrived at this leader: others may be sent before it is
    /// answered.
    private(set) var isProven = false
    /// Nothing is sent before.
    var pace: RetryPace
    /// What was never sent.
    var unsent = UnsentLoad()
    /// The producer looks at it again then; nil: nobody has asked for that.
    var pausesUntil: Instant?
    /// The node in whose list it stands.
    var listedAt: Int32?
    var slot = 0

    private(set) var identity: ProducerIdentity?
    /// A batch was given up that may be stored: of the next one the broker alone knows whether
    /// there is a gap in front of it.
    private(set) var isUnresolved = false
    /// What is sent waits for another identity.
    var needsRestart = false
    private var nextSequence: Int32 = 0
    /// Batches that were ever sent.
    private var begunCount = 0
    /// The offset of the last record that was stored; -1: none was, or nobody has told.
    private(set) var lastOffset: Int64 = -1

    init(_ topic: ProducerTopic, _ index: Int32, _ settings: ProducerSettings) {
        self.topic = topic
        self.index = index
        pace = RetryPace(
            initialMilliseconds: settings.retryBackoffMilliseconds,
            maximumMilliseconds: settings.retryBackoffMaxMilliseconds)
    }

    var name: String { "\(topic.name)-\(index)" }

    /// Batches that were never sent, for the choice of partitions.
    var waitingCount: Int { closed.count + (open == nil ? 0 : 1) }
    var isEmpty: Bool { sent.isEmpty && waitingCount == 0 }

    // MARK: The leader

    /// Answers whether another one leads now.
    func lead(_ node: Int32, epoch: Int32) -> Bool {
        // An older answer than the one that is known; without epochs the last one counts.
        if epoch >= 0 && epoch < leaderEpoch { return false }
        leaderEpoch = max(epoch, leaderEpoch)
        guard node != leader else { return false }
        leader = node
        isProven = false
        pace.endPause()
        return true
    }

    /// The topic is another one now: epochs begin anew.
    func forgetLeader() {
        leader = -1
        leaderEpoch = -1
        isProven = false
    }

    /// The way to the leader is another one.
    func lostWay() { isProven = false }

    // MARK: Filling

    /// The batch that takes a record of at most `size` bytes; nil: a new one has to be begun.
    func batch(for size: Int, _ settings: ProducerSettings) -> ProducerBatch? {
        guard let open else { return nil }
        let countMax = settings.triggers.recordsMax
        let hasRoom =
            open.byteCount + size <= settings.batchBytes
            && (countMax == 0 || open.recordCount < countMax)
        if hasRoom { return open }
        close()
        return nil
    }

    func begin(_ batch: ProducerBatch) {
        precondition(open == nil, "a batch is begun behind an open one")
        open = batch
        openIsDue = false
    }

    /// No more than this many bytes go into a batch: it is full.
    func closeIfFull(_ settings: ProducerSettings) -> Bool {
        guard let open else { return true }
        let countMax = settings.triggers.recordsMax
        guard open.byteCount >= settings.batchBytes || countMax > 0 && open.recordCount >= countMax
        else { return false }
        close()
        return true
    }

    /// Answers whether there was something to become due.
    func noteDue(_ batch: ProducerBatch? = nil) -> Bool {
        guard let open, batch == nil || open === batch, !openIsDue else { return false }
        openIsDue = true
        return true
    }

    private func close() {
        guard let open else { return }
        closed.append(open)
        self.open = nil
    }

    // MARK: Sending

    /// Whether a batch may be sent at this moment, as far as the partition is concerned.
    func mayUse(_ settings: ProducerSettings, _ current: ProducerIdentity?, _ now: Instant) -> Bool
    {
        guard pace.allows(now), !needsRestart else { return false }
        return resend(settings) != nil || mayBeginOne(settings, current)
    }

    /// The next batch to be sent; it counts as sent from now on.
    func next(_ settings: ProducerSettings, _ current: ProducerIdentity?, _ now: Instant)
        -> ProducerBatch?
    {
        guard pace.allows(now), !needsRestart else { return nil }
        if let batch = resend(settings) { return batch }
        guard mayBeginOne(settings, current) else { return nil }
        if closed.isEmpty { close() }
        guard let batch = closed.popFirst() else { return nil }
        if let current { place(batch, current) }
        batch.ordinal = begunCount
        begunCount += 1
        sent.append(batch)
        return batch
    }

    /// Of what `next` would answer.
    func nextSize(_ settings: ProducerSettings, _ current: ProducerIdentity?, _ now: Instant)
        -> UnsentLoad?
    {
        guard mayUse(settings, current, now) else { return nil }
        guard let batch = resend(settings) ?? closed.first ?? open else { return nil }
        return UnsentLoad(bytes: batch.byteCount, records: batch.recordCount)
    }

    /// The batch that has to be sent again. With sequences only the first one can be stored, and
    /// what the others were answered says nothing before.
    private func resend(_ settings: ProducerSettings) -> ProducerBatch? {
        guard settings.isIdempotent else { return sent.first { !$0.isOnWire } }
        guard let first = sent.first, !first.isOnWire else { return nil }
        return first
    }

    private func mayBeginOne(_ settings: ProducerSettings, _ current: ProducerIdentity?) -> Bool {
        guard !closed.isEmpty || open != nil && openIsDue else { return false }
        guard !sent.contains(where: { !$0.isOnWire }) else { return false }
        // Counted from the first that is not done, because a broker forgets what lies further back.
        let ahead = sent.first.map { begunCount - $0.ordinal } ?? 0
        guard ahead < (isProven ? settings.batchesInFlightMax : 1) else { return false }
        guard settings.isIdempotent else { return true }
        // Another identity begins when the last batch of the one before is done.
        return current != nil && (sent.isEmpty || identity == current)
    }

    private func place(_ batch: ProducerBatch, _ current: ProducerIdentity) {
        if identity != current { begin(current) }
        batch.place = SequencePlace(identity: current, base: nextSequence)
        nextSequence = ProducerStamp.sequence(nextSequence, plus: batch.recordCount)
    }

    // MARK: Settling

    func isFirst(_ batch: ProducerBatch) -> Bool { sent.first === batch }

    /// It is stored. Its records are at `offset` and behind; -1: not told.
    func arrived(_ batch: ProducerBatch, offset: Int64) {
        remove(batch)
        isProven = true
        isUnresolved = false
        pace.reset()
        guard offset >= 0 else { return }
        // A broker may answer any number.
        let (last, isBeyond) = offset.addingReportingOverflow(Int64(batch.recordCount) - 1)
        lastOffset = max(lastOffset, isBeyond ? .max : last)
    }

    /// It will not be sent again. What is not stored leaves no gap in the sequence; where nobody
    /// knows, the broker is asked by the next batch. Answers whether the gap stays all the same:
    /// then the sequence has to begin anew.
    func gaveUp(_ batch: ProducerBatch, isStored: Bool?) -> Bool {
        guard let at = sent.firstIndex(where: { $0 === batch }) else {
            removeWaiting(batch)
            return false
        }
        sent.remove(at: at)
        guard batch.place != nil else { return false }
        guard isStored == false else {
            isUnresolved = true
            return false
        }
        return !close(gap: batch.recordCount, from: at)
    }

    /// In place of one that was sent: parts of it, in order. Records that are left out leave no
    /// gap. Answers as `gaveUp` does.
    func replace(_ batch: ProducerBatch, by parts: [ProducerBatch]) -> Bool {
        guard let at = sent.firstIndex(where: { $0 === batch }) else { return false }
        var place = batch.place
        for part in parts {
            part.place = place
            if let base = place?.base {
                place?.base = ProducerStamp.sequence(base, plus: part.recordCount)
            }
        }
        sent.replaceSubrange(at...at, with: parts)
        let missing = batch.recordCount - parts.reduce(0) { $0 + $1.recordCount }
        guard missing > 0, batch.place != nil else { return false }
        return !close(gap: missing, from: at + parts.count)
    }

    /// Everything that is not finished begins at 0 of another identity.
    func restart(_ identity: ProducerIdentity) {
        needsRestart = false
        begin(identity)
        for batch in sent {
            batch.place = SequencePlace(identity: identity, base: nextSequence)
            nextSequence = ProducerStamp.sequence(nextSequence, plus: batch.recordCount)
        }
    }

    /// Everything that is not reported of; the queue is empty then.
    func takeAll() -> [ProducerBatch] {
        defer { sent = [] }
        return sent + takeWaiting()
    }

    /// Everything that was never sent; nothing of that is left.
    func takeWaiting() -> [ProducerBatch] {
        close()
        return closed.takeAll()
    }

    /// A broker that knows nothing of an identity takes its first batch for the beginning, whatever
    /// its number: no other may overtake it.
    private func begin(_ identity: ProducerIdentity) {
        self.identity = identity
        nextSequence = 0
        isProven = false
        isUnresolved = false
    }

    /// Those behind move up. Not if a request with one of them may still reach the broker: with
    /// its old number it could be taken for the one that follows it, and be stored twice.
    private func close(gap count: Int, from index: Int) -> Bool {
        guard !sent[index...].contains(where: { $0.isOnWire || $0.mayBeStored }) else {
            return false
        }
        for batch in sent[index...] {
            guard let place = batch.place else { continue }
            batch.place?.base = ProducerStamp.sequence(place.base, plus: -count)
        }
        nextSequence = ProducerStamp.sequence(nextSequence, plus: -count)
        return true
    }

    private func remove(_ batch: ProducerBatch) {
        if let at = sent.firstIndex(where: { $0 === batch }) { sent.remove(at: at) }
    }

    private func removeWaiting(_ batch: ProducerBatch) {
        if open === batch {
            open = nil
        } else if closed.first === batch {
            // Those that expire are the oldest.
            _ = closed.popFirst()
        } else {
            closed.removeAll { $0 === batch }
        }
    }
}
