import CShims
import EventLoop
import Glibc
import Synchronization

/// Events for one event loop of the host, with an eventfd that is readable while events wait.
public final class EventQueue: Sendable {
    /// Log lines that may wait: a host that stopped polling must not make the library grow.
    static let logLinesMax = 1000

    private struct State: ~Copyable {
        var waiting: [QueueEvent] = []
        /// Events before this index were taken already.
        var head = 0
        var logLines = 0
        var logLinesDropped = 0
        var isSignalled = false
        var isDestroyed = false
        var held: [UInt] = []

        deinit { for address in held { free(UnsafeMutableRawPointer(bitPattern: address)) } }

        mutating func release() {
            for address in held { free(UnsafeMutableRawPointer(bitPattern: address)) }
            held.removeAll(keepingCapacity: true)
        }
    }

    public let descriptor: Int32
    public let takesLog: Bool
    /// Which gateway made it; a session of another one may not use it.
    public let owner: ObjectIdentifier
    private let state = Mutex(State())

    public init(owner: ObjectIdentifier, takesLog: Bool) throws(Failure) {
        let descriptor = cshims_eventfd()
        guard descriptor >= 0 else { throw Failure(SystemError("eventfd", errno: errno)) }
        cshims_descriptor_track(descriptor)
        self.descriptor = descriptor
        self.owner = owner
        self.takesLog = takesLog
    }

    deinit {
        Socket.close(descriptor)
    }

    public var waitingCount: Int { state.withLock { $0.waiting.count - $0.head } }

    /// From any thread. Nothing happens once the queue is destroyed.
    public func push(_ event: QueueEvent) {
        state.withLock { state in
            guard !state.isDestroyed else { return }
            var event = event
            if event.kind == .log {
                guard state.logLines < Self.logLinesMax else {
                    state.logLinesDropped += 1
                    return
                }
                if state.logLinesDropped > 0 {
                    event.text = "(\(state.logLinesDropped) lines dropped before) " + event.text
                    state.logLinesDropped = 0
                }
                state.logLines += 1
            }
            state.waiting.append(event)
            guard !state.isSignalled else { return }
            state.isSignalled = true
            cshims_queue_signal(descriptor)
        }
    }

    /// Hands at most `limit` events to `body`, with their index and their text, which stays valid
    /// until the next `take`.
    public func take(
        limit: Int, _ body: (Int, QueueEvent, UnsafeRawBufferPointer) -> Void
    ) throws(Failure) -> Int {
        let taken: Int? = state.withLock { state in
            guard !state.isDestroyed else { return nil }
            state.release()
            let count = min(limit, state.waiting.count - state.head)
            for index in 0..<count {
                let event = state.waiting[state.head + index]
                if event.kind == .log { state.logLines -= 1 }
                body(index, event, Self.hold(event.text, &state))
            }
            state.head += count
            if state.head == state.waiting.count {
                empty(&state)
            } else if state.head >= 1024 && state.head > state.waiting.count / 2 {
                state.waiting.removeFirst(state.head)
                state.head = 0
            }
            return count
        }
        guard let taken else { throw Failure(.gone, "the queue was destroyed") }
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

    private static func hold(_ text: String, _ state: inout State) -> UnsafeRawBufferPointer {
        var text = text
        guard !text.isEmpty else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return text.withUTF8 { bytes in
            // With a NUL behind it, for hosts that treat it as a C string.
            guard let copy = malloc(bytes.count + 1), let from = bytes.baseAddress else {
                return UnsafeRawBufferPointer(start: nil, count: 0)
            }
            copy.copyMemory(from: from, byteCount: bytes.count)
            copy.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
            state.held.append(UInt(bitPattern: copy))
            return UnsafeRawBufferPointer(start: copy, count: bytes.count)
        }
    }

    /// Blocks until an event waits, a signal comes or the time is over. -1: without limit.
    public func wait(timeoutMilliseconds: Int32) {
        var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&interest, 1, timeoutMilliseconds)
    }

    /// Wakes a thread that waits; the descriptor is closed when nobody uses the queue any more.
    public func destroy() {
        state.withLock { state in
            state.isDestroyed = true
            state.waiting = []
            state.head = 0
            cshims_queue_signal(descriptor)
        }
    }
}
