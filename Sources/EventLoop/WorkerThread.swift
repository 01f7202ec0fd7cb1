import Glibc
import Synchronization

/// One thread for calls that block: name look-ups, key derivation. It starts with its first job.
public final class WorkerThread: Sendable {
    public typealias Job = @Sendable () -> Void

    private let name: String
    private let queue: JobQueue
    private let thread = Mutex<Thread?>(nil)

    /// - Parameter jobsMax: jobs that may wait. More are refused: behind a dead resolver they
    ///   would be stale anyway.
    public init(name: String, jobsMax: Int = 1024) {
        self.name = name
        queue = JobQueue(countMax: jobsMax)
    }

    deinit { queue.close() }

    /// False when too many jobs wait, the worker has been stopped, or no thread can be had.
    public func submit(_ job: @escaping Job) -> Bool {
        guard queue.push(job) else { return false }
        return thread.withLock { thread in
            if thread == nil {
                let queue = queue
                thread = try? Thread(name: name) { while let job = queue.pop() { job() } }
            }
            return thread != nil
        }
    }

    /// Drops the jobs that wait. A job that runs gets the time given, then its thread is left to
    /// itself: getaddrinfo cannot be cancelled. False if it was.
    @discardableResult
    public func stop(milliseconds: Int32) -> Bool {
        queue.close()
        let thread = thread.withLock { $0 }
        return thread?.join(milliseconds: milliseconds) ?? true
    }
}

/// A bounded queue on which one thread sleeps. Sendable: what changes is touched under `mutex`
/// only. (`Mutex` of the standard library has no condition to sleep on.)
private final class JobQueue: @unchecked Sendable {
    private let countMax: Int
    private var jobs: [WorkerThread.Job] = []
    private var isOpen = true
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(countMax: Int) {
        self.countMax = countMax
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    func push(_ job: @escaping WorkerThread.Job) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard isOpen && jobs.count < countMax else { return false }
        jobs.append(job)
        pthread_cond_signal(changed)
        return true
    }

    /// Sleeps until there is a job; nil once the queue is closed.
    func pop() -> WorkerThread.Job? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while isOpen && jobs.isEmpty { pthread_cond_wait(changed, mutex) }
        return isOpen ? jobs.removeFirst() : nil
    }

    func close() {
        pthread_mutex_lock(mutex)
        isOpen = false
        // Jobs may own what must not die under the lock.
        let dropped = jobs
        jobs = []
        pthread_cond_signal(changed)
        pthread_mutex_unlock(mutex)
        _ = dropped
    }
}
