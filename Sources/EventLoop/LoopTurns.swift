import Synchronization

/// Who may touch a loop and what belongs to it: its own thread but while it waits for something to
/// happen, and meanwhile one that it is lent to.
public final class LoopTurns: Sendable {
    /// The number of turns.
    private let taken = Mutex<UInt64>(0)

    /// Runs `body` as a turn of the loop.
    public func take(_ body: () -> Void) {
        taken.withLock { taken in
            taken &+= 1
            body()
        }
    }

    /// The same on another thread, if the loop waits; `body` calls `EventLoop.lent`. False: it is
    /// at work, or lent already. It blocks neither this thread nor, for long, the loop: `body`
    /// calls nobody who might. Not for the loop's own thread.
    public func takeIfFree(_ body: () -> Void) -> Bool {
        taken.withLockIfAvailable { taken in
            taken &+= 1
            body()
            return true
        } ?? false
    }
}
