import CShims
import EventLoop
import Glibc
import Synchronization

/// Events for one event loop of the host, with an eventfd that is readable while events wait.
public final class EventQueue: Sendable {
    /// Log lines that may wait: a host that stopped polling must not make the library grow.
    static let logLinesMax = 1000
    /// Errors that find a place beside them.
    static let errorLinesMax = 200

    private struct State: ~Copyable {
        var waiting: [QueueEvent] = []
        /// Events before this index were taken already.
        var head = 0
        var logLines = 0
        var logLinesDropped = 0
        var isSignalled = false
        var isDestroyed = false
        /// What the events of the last `take` point to.
        var held: [EventData] = []
        /// Sockets that get a byte when events begin to wait; see `WakeListener`.
        var wakers: [Int32] = []
        var isWakeListening = false
        var wakeSocket: ListeningSocket?
    }

    /// An event that has left, and who is told so.
    private struct Parting {
        let receipt: any EventReceipt
        let byteCount: Int

        init?(_ event: QueueEvent) {
            guard let receipt = event.receipt else { return nil }
            self.receipt = receipt
            byteCount = event.byteCount
        }
    }

    public let descriptor: Int32
    public let takesLog: Bool
    /// Which gateway made it; a session of another one may not use it.
    public let owner: ObjectIdentifier
    weak let gateway: Gateway?
    private let state = Mutex(State())

    public init(
        owner: ObjectIdentifier, takesLog: Bool, gateway: Gateway? = nil
    ) throws(Failure) {
        let descriptor = cshims_eventfd()
        guard descriptor >= 0 else { throw Failure(SystemError("eventfd", errno: errno)) }
        cshims_descriptor_track(descriptor)
        self.descriptor = descriptor
        self.owner = owner
        self.gateway = gateway
        self.takesLog = takesLog
    }

    deinit {
        Socket.close(descriptor)
    }

    public var waitingCount: Int { state.withLock { $0.waiting.count - $0.head } }

    /// From any thread. False, and nothing happens, once the queue is destroyed.
    ///
    /// - Parameter isQuiet: the host is told in another way that there is an event.
    @discardableResult
    public func push(_ event: QueueEvent, isQuiet: Bool = false) -> Bool {
        state.withLock { state in
            guard !state.isDestroyed, event.sender?.isForgotten != true else { return false }
            var event = event
            if event.kind == .log {
                let isError = event.code == HostLogLevel.error.rawValue
                let most = Self.logLinesMax + (isError ? Self.errorLinesMax : 0)
                guard state.logLines < most else {
                    state.logLinesDropped += 1
                    return true
                }
                if state.logLinesDropped > 0 {
                    event.text = "(\(state.logLinesDropped) lines dropped before) " + event.text
                    state.logLinesDropped = 0
                }
                state.logLines += 1
            }
            state.waiting.append(event)
            if !isQuiet { signal(&state) }
            return true
        }
    }

    private func signal(_ state: inout State) {
        guard !state.isSignalled else { return }
        state.isSignalled = true
        cshims_queue_signal(descriptor)
        for waker in state.wakers { cshims_wake(waker) }
    }

    /// Takes out what waits of a session. True if anything did.
    func forget(session: UInt64) -> Bool {
        let parted: [Parting]? = state.withLock { state in
            let forgotten = state.waiting[state.head...].filter { $0.session == session }
            guard !forgotten.isEmpty else { return nil }
            state.waiting.removeFirst(state.head)
            state.waiting.removeAll { $0.session == session }
            state.head = 0
            if state.waiting.isEmpty { empty(&state) }
            return forgotten.compactMap { Parting($0) }
        }
        for parting in parted ?? [] { parting.receipt.eventLeft(byteCount: parting.byteCount) }
        return parted != nil
    }

    /// Hands at most `limit` events to `body`, with their index and their data, which stays valid
    /// until the next `take`.
    public func take(
        limit: Int, _ body: (Int, QueueEvent, UnsafeRawBufferPointer) -> Void
    ) throws(Failure) -> Int {
        var parted: [Parting] = []
        let taken: Int? = state.withLock { state in
            guard !state.isDestroyed else { return nil }
            state.held.removeAll(keepingCapacity: true)
            let count = min(limit, state.waiting.count - state.head)
            for index in 0..<count {
                let event = state.waiting[state.head + index]
                if event.kind == .log { state.logLines -= 1 }
                if let parting = Parting(event) { parted.append(parting) }
                body(index, event, Self.hold(event, &state))
            }
            state.head += count
            if state.head == state.waiting.count {
                empty(&state)
                return count
            }
            // The host has polled, and what it left is told like any other event.
            signal(&state)
            if state.head >= 1024 && state.head > state.waiting.count / 2 {
                state.waiting.removeFirst(state.head)
                state.head = 0
            }
            return count
        }
        guard let taken else { throw Failure(.gone, "the queue was destroyed") }
        for parting in parted { parting.receipt.eventLeft(byteCount: parting.byteCount) }
        return taken
    }

    private func empty(_ state: inout State) {
        // A burst must not leave its memory behind for ever.
        state.waiting.removeAll(keepingCapacity: state.waiting.capacity <= 4096)
        state.head = 0
        guard state.isSignalled else { return }
        state.isSignalled = false
        cshims_queue_clear(descriptor)
    }

    private static func hold(
        _ event: QueueEvent, _ state: inout State
    ) -> UnsafeRawBufferPointer {
        guard event.data != nil || !event.text.isEmpty else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let data = event.data ?? EventData(event.text)
        state.held.append(data)
        return data.bytes
    }

    // MARK: Waking

    /// False: it listens already, or was destroyed.
    func beginWakeListening() -> Bool {
        state.withLock { state in
            guard !state.isWakeListening, !state.isDestroyed else { return false }
            state.isWakeListening = true
            return true
        }
    }

    func wakeListens(on socket: ListeningSocket) { state.withLock { $0.wakeSocket = socket } }

    /// The socket that it listened on.
    @discardableResult
    func endWakeListening() -> ListeningSocket? {
        state.withLock { state in
            state.isWakeListening = false
            return state.wakeSocket.take()
        }
    }

    /// A socket that gets a byte whenever events begin to wait, and one now if some do. False:
    /// the queue was destroyed.
    func add(waker: Int32) -> Bool {
        state.withLock { state in
            guard !state.isDestroyed else { return false }
            state.wakers.append(waker)
            if state.isSignalled { cshims_wake(waker) }
            return true
        }
    }

    /// Nothing is written to it any more on return.
    func remove(waker: Int32) { state.withLock { $0.wakers.removeAll { $0 == waker } } }

    /// Blocks until an event waits, a signal comes or the time is over. -1: without limit.
    public func wait(timeoutMilliseconds: Int32) {
        var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&interest, 1, timeoutMilliseconds)
    }

    /// Wakes a thread that waits; the descriptor is closed when nobody uses the queue any more.
    public func destroy() {
        let parted = state.withLock { state in
            let parted = state.waiting[state.head...].compactMap { Parting($0) }
            state.isDestroyed = true
            state.waiting = []
            state.head = 0
            cshims_queue_signal(descriptor)
            return parted
        }
        for parting in parted { parting.receipt.eventLeft(byteCount: parting.byteCount) }
    }
}
