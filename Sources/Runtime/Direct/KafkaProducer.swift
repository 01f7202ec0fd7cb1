import EventLoop
import GatewayCore
import KafkaProducing
import Synchronization

/// A producer of the host's (`pubsubgw_producer`). It lives on one loop; its functions may be
/// called on any thread. Records are copied into a block under a lock; the loop is woken
/// for the first of a block, and then looks by itself for a while.
public final class KafkaProducer: Sendable {
    private struct State {
        var waiting = WaitingAsks()
        /// Bytes of records that the host was not told of, or has not taken what it was told.
        var bufferedBytes = 0
        /// A record was not taken for want of room.
        var owesRoom = false
        /// Tokens whose event has not been pushed.
        var pending: Set<UInt64> = []
        var isDestroyed = false
        /// The loop has taken its leave.
        var isOver = false

        /// Why nothing can be asked for.
        var refusal: Failure? {
            if isDestroyed { return Failure(.gone, "the producer was destroyed") }
            return isOver ? Gateway.stopped : nil
        }
    }

    let id: DirectProducerID
    let queue: EventQueue
    let userData: UInt64
    public let settings: DirectProducerSettings
    /// Of one record, and of all.
    private let limits: RecordLimits
    private let loop: LoopHandle
    private let state = Mutex(State())

    private static let made = Atomic<UInt64>(0)
    /// How long the loop looks again for what came meanwhile, where records may wait (`linger.ms`).
    static let lookMilliseconds: Int64 = 1

    init(
        _ loop: LoopHandle, queue: EventQueue, userData: UInt64,
        _ settings: DirectProducerSettings
    ) {
        id = DirectProducerID(raw: Self.made.add(1, ordering: .relaxed).newValue)
        self.loop = loop
        self.queue = queue
        self.userData = userData
        self.settings = settings
        limits = RecordLimits(settings)
    }

    func open(of client: DirectClientID) throws(Failure) {
        guard loop.post({ [self] in $0.open(self, of: client) }) else { throw Gateway.stopped }
    }

    // MARK: Records

    /// Copies records as `body` hands them over, until it does no more or there is no room.
    public func produce(
        _ body: (borrowing Room) throws(Failure) -> Void
    ) throws(Failure) {
        var refusal: Failure?
        let wakes = state.withLock { state in
            refusal = state.refusal
            guard refusal == nil else { return false }
            let block = state.waiting.block
            let room = Room(block, limits, left: limits.bufferBytes - state.bufferedBytes)
            do throws(Failure) {
                try body(room)
            } catch {
                refusal = error
            }
            state.bufferedBytes += room.taken.bytes
            if room.taken.wasFull { state.owesRoom = true }
            return state.waiting.keep(block)
        }
        if wakes { post() }
        if let refusal { throw refusal }
    }

    /// A loop that takes no job any more takes everything when it takes its leave.
    private func post() { loop.post { [self] in $0.takeAsks(of: self, .job) } }

    // MARK: Flushes and transactions

    /// Comes behind what was produced before, whatever thread did.
    public func ask(
        token: UInt64, _ ask: (UInt64) -> ProducerAsk
    ) throws(Failure) {
        let ask = ask(token)
        var refusal: Failure?
        let wakes = state.withLock { state in
            refusal = state.refusal
            guard refusal == nil else { return false }
            guard state.pending.insert(token).inserted else {
                refusal = Failure(.invalid, "a pending request has the token \(token)")
                return false
            }
            return state.waiting.append(ask)
        }
        if wakes { post() }
        if let refusal { throw refusal }
    }

    /// The token may be used again.
    func forget(_ token: UInt64) { _ = state.withLock { $0.pending.remove(token) } }

    // MARK: The loop

    /// `isLast`: nothing comes behind it, nor is anything told any more.
    func take(_ look: WaitingAsks.Look) -> (taken: WaitingAsks.Taken, isLast: Bool) {
        let (taken, isLast) = state.withLock { state in
            let lingers = settings.producer.wait > 0 && !state.isDestroyed
            let taken = state.waiting.take(look, lingers: lingers)
            return (taken, state.isDestroyed && state.waiting.isEmpty)
        }
        if taken.hasMore { post() }
        return (taken, isLast)
    }

    /// The loop ends: all that was taken of the host, which is told of it. Nothing is any more.
    func takeLast() -> [ProducerAsk] {
        state.withLock { state in
            state.isOver = true
            return state.waiting.takeAll()
        }
    }

    // MARK: Room

    /// Records of so many bytes are none of ours any more.
    func release(_ bytes: Int) {
        let hasRoom = state.withLock { state in
            state.bufferedBytes -= bytes
            // Not at the first byte: who waits has much to say.
            guard state.owesRoom, state.bufferedBytes <= limits.bufferBytes / 2 else {
                return false
            }
            state.owesRoom = false
            return !state.isDestroyed
        }
        guard hasRoom else { return }
        var event = QueueEvent(.room)
        event.userData = userData
        _ = queue.push(event)
    }

    /// What was taken is still sent; nothing is told any more.
    public func destroy() {
        let wakes = state.withLock { state in
            guard !state.isDestroyed else { return false }
            state.isDestroyed = true
            return !state.isOver && state.waiting.needsPost()
        }
        if wakes { post() }
    }
}

extension KafkaProducer: EventReceipt {
    public func eventLeft(byteCount: Int) { release(byteCount) }
}

/// What each record is held against: the settings themselves are too large to be copied for it.
struct RecordLimits: Sendable {
    let recordBytesMax: Int
    let bufferBytes: Int
    /// Nobody chooses the partition of a record that names none.
    let needsPartition: Bool

    init(_ settings: DirectProducerSettings) {
        recordBytesMax = settings.recordBytesMax
        bufferBytes = settings.bufferBytes
        needsPartition = settings.producer.partitioner == .manual
    }
}

/// Where the records of one call go.
public struct Room: ~Copyable {
    final class Taken {
        var bytes = 0
        var wasFull = false
    }

    private let block: RecordBlock
    private let limits: RecordLimits
    private let left: Int
    let taken = Taken()
    /// Milliseconds since 1970, for records that tell no time.
    private let now = WallClock.milliseconds()

    init(_ block: RecordBlock, _ limits: RecordLimits, left: Int) {
        self.block = block
        self.limits = limits
        self.left = left
    }

    /// Whether the next records' topic is that of the last ones, by its bytes.
    public func isLastTopic(_ name: UnsafeRawBufferPointer) -> Bool { block.isLastTopic(name) }

    public func setTopic(_ name: String) { block.appendTopic(name) }

    /// False: there is no room for it now.
    public func append(
        _ record: borrowing ProducedRecord, partition: Int32
    ) throws(Failure) -> Bool {
        let size = record.byteCountMax
        let own = size - ProducedRecord.overheadBytesMax
        guard own <= limits.recordBytesMax else {
            throw Failure(
                .invalid,
                "the record has \(own) bytes; at most \(limits.recordBytesMax) are allowed"
                    + " (max.request.size, buffer.memory)")
        }
        guard partition >= 0 || !limits.needsPartition else {
            throw Failure(.invalid, "partition: the partitioner is manual, and chooses none")
        }
        guard taken.bytes + size <= left else {
            taken.wasFull = true
            return false
        }
        taken.bytes += size
        if record.timestamp > 0 {
            block.append(record, partition: partition)
        } else {
            block.append(record.at(now), partition: partition)
        }
        return true
    }
}

extension ProducedRecord {
    fileprivate func at(_ timestamp: Int64) -> ProducedRecord {
        var record = self
        record.timestamp = timestamp
        return record
    }
}
