import CShims
import Glibc
import Synchronization

/// The only door into a loop for other threads.
public final class Mailbox: Sendable {
    public typealias Job = @Sendable () -> Void

    private struct State {
        var jobs: [Job] = []
        var isOpen = true
    }

    private let state = Mutex(State())
    /// ThreadSanitizer sees by it that one use of the state is behind the other: it does not see
    /// into Swift's Mutex.
    private let isUsed = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)
    public let turns = LoopTurns()
    /// Readable while jobs wait. Closed with the mailbox, so that a late post never writes into
    /// somebody else's descriptor.
    let eventDescriptor: Int32

    /// - Parameter eventDescriptor: is the mailbox's own from now on.
    init(eventDescriptor: Int32) {
        self.eventDescriptor = eventDescriptor
        cshims_descriptor_track(eventDescriptor)
    }

    deinit { Socket.close(eventDescriptor) }

    /// Runs `job` on the loop's thread in one of its next turns, in the order of posting. False
    /// when the loop has ended: the job will not run.
    @discardableResult
    public func post(_ job: @escaping Job) -> Bool {
        let (accepted, wasEmpty) = withState { state in
            let wasEmpty = state.jobs.isEmpty
            if state.isOpen { state.jobs.append(job) }
            return (state.isOpen, wasEmpty)
        }
        if accepted && wasEmpty { wake() }
        return accepted
    }

    private func withState<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            _ = isUsed.load(ordering: .acquiring)
            defer { isUsed.store(true, ordering: .releasing) }
            return body(&state)
        }
    }

    /// Whether no job waits. Those that the loop has taken may still run, in its turn.
    public var isEmpty: Bool { withState { $0.jobs.isEmpty } }

    /// Makes the loop's `run` return after its turn.
    public func stopLoop() {
        stopping.store(true, ordering: .releasing)
        wake()
    }

    var isStopping: Bool { stopping.load(ordering: .acquiring) }

    /// The jobs that nobody has run; none are accepted any more.
    public func close() -> [Job] { take(closing: true) }

    /// The jobs so far; none are accepted any more once it was called with `closing`.
    ///
    /// - Parameter areTold: the event descriptor is readable. Otherwise it is not read: if somebody
    ///   has closed it, its number may be that of a pipe on which a read waits.
    func take(closing: Bool = false, areTold: Bool = false) -> [Job] {
        var count: UInt64 = 0
        if areTold { _ = read(eventDescriptor, &count, 8) }
        return withState { state in
            var jobs: [Job] = []
            swap(&jobs, &state.jobs)
            if closing { state.isOpen = false }
            return jobs
        }
    }

    func wake() {
        var one: UInt64 = 1
        // It can only fail when the counter is full, and then the descriptor is readable anyway.
        _ = write(eventDescriptor, &one, 8)
    }
}
