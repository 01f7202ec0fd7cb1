import Synchronization

/// Who may touch a loop and what belongs to it: its own thread but while it waits for something to
/// happen, and meanwhile one that it is lent to.
public final class LoopTurns: Sendable {
    private let lock = Mutex(())
    /// The number of turns, which only a turn changes. ThreadSanitizer sees by it that one turn is
    /// behind the other: it does not see into Swift's Mutex.
    private let taken = Atomic<UInt64>(0)

    /// Runs `body` as a turn of the loop.
    public func take(_ body: () -> Void) {
        lock.withLock { _ in turn(body) }
    }

    /// The same on another thread, if the loop waits; `body` calls `EventLoop.lent`. False: it is
    /// at work, or lent already. It blocks neither this thread nor, for long, the loop: `body`
    /// calls nobody who might. Not for the loop's own thread.
    public func takeIfFree(_ body: () -> Void) -> Bool {
        lock.withLockIfAvailable { _ in
            turn(body)
            return true
        } ?? false
    }

    private func turn(_ body: () -> Void) {
        let number = taken.load(ordering: .acquiring)
        body()
        taken.store(number &+ 1, ordering: .releasing)
    }
}
