import GatewayCore
import Synchronization

/// One gateway of the C interface: its routes, and the loops that serve them. Its public functions
/// may be called on any thread.
public final class Gateway: Sendable {
    enum Phase {
        case new, running, draining, stopped
    }

    struct State {
        var phase = Phase.new
        var routes = RouteTable()
        var commands = CommandBook()
        var loops: [LoopHandle] = []
        var helpers: HelperThreads?
        var queues: [WeakQueue] = []
        /// Where the next client goes.
        var turn = 0
        var drain = DrainState()
        /// What the loops had counted when they ended.
        var finalMetrics = GatewayMetrics()
    }

    struct WeakQueue {
        weak var queue: EventQueue?
    }

    public let settings: RuntimeSettings
    let census = SessionCensus()
    let directory = SessionDirectory()
    let state = Mutex(State())
    /// Held while one thread stops the gateway; the others wait for it.
    let stopping = Mutex(())

    public init(settings: RuntimeSettings) { self.settings = settings }

    /// Queues that live, for events that concern all of them.
    var queues: [EventQueue] {
        state.withLock { state in
            state.queues.removeAll { $0.queue == nil }
            return state.queues.compactMap(\.queue)
        }
    }

    var loops: [LoopHandle] { state.withLock { $0.loops } }

    /// Throws unless new clients may come.
    static func mustServe(_ phase: Phase) throws(Failure) {
        switch phase {
        case .running: return
        case .new: throw Failure(.state, "the gateway is not started")
        case .draining: throw Failure(.state, "the gateway is draining")
        case .stopped: throw Failure(.state, "the gateway is stopped")
        }
    }

    func log(_ level: HostLogLevel, _ text: String) {
        guard LogSink.shared.takes(level) else { return }
        LogSink.shared.write(level, text, queues: queues.filter(\.takesLog))
    }
}
