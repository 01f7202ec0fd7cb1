import GatewayCore
import Synchronization

/// A Kafka client of the host's (`pubsubgw_client`). It lives on one loop; its functions may be
/// called on any thread.
public final class KafkaClient: Sendable {
    private struct State {
        /// Tokens whose last event has not been pushed yet.
        var pending: Set<UInt64> = []
        var isDestroyed = false
    }

    let id: DirectClientID
    let queue: EventQueue
    let userData: UInt64
    private let loop: LoopHandle
    private let state = Mutex(State())

    private static let made = Atomic<UInt64>(0)

    init(_ loop: LoopHandle, queue: EventQueue, userData: UInt64) {
        id = DirectClientID(raw: Self.made.add(1, ordering: .relaxed).newValue)
        self.loop = loop
        self.queue = queue
        self.userData = userData
    }

    func open(_ settings: DirectSettings) throws(Failure) {
        guard loop.post({ [self] in $0.open(self, settings) }) else { throw Gateway.stopped }
    }

    /// Begins a request; its events carry `token`.
    public func ask(token: UInt64, _ ask: DirectAsk) throws(Failure) {
        try state.withLock { state throws(Failure) in
            guard !state.isDestroyed else { throw Failure(.gone, "the client was destroyed") }
            guard state.pending.insert(token).inserted else {
                throw Failure(.invalid, "a pending request has the token \(token)")
            }
        }
        let id = id
        guard loop.post({ $0.ask(id, token: token, ask) }) else {
            forget(token)
            throw Gateway.stopped
        }
    }

    public func cancel(token: UInt64) throws(Failure) {
        guard state.withLock({ $0.pending.contains(token) }) else {
            throw Failure(.invalid, "no pending request has the token \(token)")
        }
        let id = id
        loop.post { $0.cancel(id, token: token) }
    }

    func producer(
        _ settings: DirectProducerSettings, userData: UInt64
    ) throws(Failure) -> KafkaProducer {
        let producer = KafkaProducer(loop, queue: queue, userData: userData, settings)
        // Posted under the lock: the job that closes the client comes behind it.
        try state.withLock { state throws(Failure) in
            guard !state.isDestroyed else { throw Failure(.gone, "the client was destroyed") }
            try producer.open(of: id)
        }
        return producer
    }

    /// Pending requests get their last events.
    public func destroy() {
        let wasDestroyed = state.withLock { state in
            defer { state.isDestroyed = true }
            return state.isDestroyed
        }
        guard !wasDestroyed else { return }
        let id = id
        loop.post { $0.closeDirect(id) }
    }

    /// The token may be used again.
    func forget(_ token: UInt64) { _ = state.withLock { $0.pending.remove(token) } }

    /// Tells the loop that the host has taken events.
    func taken(_ receipt: DirectReceipt) { loop.post { $0.taken(receipt) } }
}
