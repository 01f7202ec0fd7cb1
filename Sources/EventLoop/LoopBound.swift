import Glibc

/// A value that belongs to a loop, inside of a closure that travels through other threads: a job
/// for a worker that posts its result back. Opening it anywhere but on the thread that closed it
/// is our bug, and traps: so it is Sendable. An object may find its end on another thread, if that
/// lets go of it last: nobody else has it then, and what belongs to the loop it has given up before
/// (`BrokerSocket.close`), or the loop has ended.
public struct LoopBound<Value>: @unchecked Sendable {
    private let bound: Value
    private let thread = pthread_self()

    /// On the loop's thread.
    public init(_ value: Value) { bound = value }

    public var value: Value {
        precondition(pthread_equal(thread, pthread_self()) != 0, "opened on a foreign thread")
        return bound
    }
}
