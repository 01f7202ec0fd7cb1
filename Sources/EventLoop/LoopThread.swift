import CShims
import Glibc
import Synchronization

/// A thread with a loop, and every signal blocked: the host's handlers run on the host's threads,
/// and a write to a closed socket is an error instead of SIGPIPE.
public final class LoopThread: Sendable {
    public let mailbox: Mailbox
    private let thread: Thread

    /// Starts the thread. `main` sets up what belongs to the loop, calls `loop.run()`, and tidies
    /// up behind it.
    ///
    /// - Parameter name: at most 15 bytes; what `top -H` shows.
    public init(
        name: String, main: @escaping @Sendable (EventLoop) -> Void
    ) throws(SystemError) {
        let loop = try EventLoop()
        mailbox = loop.mailbox
        let handedOver = Handover(loop)
        thread = try Thread(name: name) {
            let loop = handedOver.take()
            main(loop)
            // Jobs that nobody will run any more are dropped on the thread that they were for.
            _ = loop.mailbox.take(closing: true)
        }
    }

    /// Waits for the thread's end; after the time it is left to itself. False if it was.
    @discardableResult
    public func join(milliseconds: Int32 = .max) -> Bool { thread.join(milliseconds: milliseconds) }
}

/// Gives a value to one other thread, once. Sendable: the giver has no hand on it behind `init`.
final class Handover<Value>: @unchecked Sendable {
    private var value: Value?

    init(_ value: Value) { self.value = value }

    /// Ordered behind `init` by the start of the thread.
    func take() -> Value {
        defer { value = nil }
        guard let value else { preconditionFailure("taken twice") }
        return value
    }
}

/// A pthread that runs one closure.
final class Thread: Sendable {
    private let thread: pthread_t
    private let isJoined = Atomic<Bool>(false)

    init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        var thread = pthread_t()
        let error = cshims_thread_start(
            &thread, name,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        guard error == 0 else {
            Unmanaged<Body>.fromOpaque(argument).release()
            throw SystemError("pthread_create", errno: error)
        }
        self.thread = thread
    }

    deinit {
        if !isJoined.load(ordering: .acquiring) { pthread_detach(thread) }
    }

    func join(milliseconds: Int32) -> Bool {
        guard !isJoined.exchange(true, ordering: .acquiringAndReleasing) else { return true }
        return cshims_thread_join(thread, milliseconds) == 0
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
