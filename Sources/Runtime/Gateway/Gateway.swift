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
    let tokens = TokenDesk()
    let files = SecretFiles()
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

    static let notStarted = Failure(.state, "the gateway is not started")
    static let stopped = Failure(.state, "the gateway is stopped")

    /// Throws unless the loops run, draining or not.
    static func mustRun(_ phase: Phase) throws(Failure) {
        switch phase {
        case .new: throw notStarted
        case .running, .draining: return
        case .stopped: throw stopped
        }
    }

    /// Throws unless the gateway is in service.
    func mustServe() throws(Failure) {
        let phase = state.withLock { $0.phase }
        try Self.mustRun(phase)
        if phase == .draining { throw Failure(.state, "the gateway is draining") }
    }

    /// Throws unless clients may come, be it to hear that the gateway restarts.
    func mustAdmit() throws(Failure) {
        let (phase, isRestart) = state.withLock { ($0.phase, $0.drain.isRestart) }
        try Self.mustRun(phase)
        if phase == .draining, !isRestart { throw Failure(.state, "the gateway is draining") }
    }

    func log(_ level: HostLogLevel, _ text: String) {
        guard LogSink.shared.takes(level) else { return }
        LogSink.shared.write(level, text, queues: queues.filter(\.takesLog))
    }
}
