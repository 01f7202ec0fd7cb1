import EventLoop
import Glibc
import Synchronization
import Testing
import Timing

/// A loop that is lent to other threads while it waits.
@Suite struct LoopTurnsTests {
    /// What both sides touch without a lock of its own.
    private final class Shared: @unchecked Sendable {
        var loop: EventLoop?
        var count = 0
    }

    /// Runs a loop that takes a turn for every post; `body` gets its mailbox.
    private func withLoop(_ shared: Shared, _ body: (Mailbox) throws -> Void) throws {
        let thread = try LoopThread(name: "turns") { loop in
            loop.mailbox.turns.take { shared.loop = loop }
            loop.run()
            loop.mailbox.turns.take { shared.loop = nil }
        }
        defer {
            thread.mailbox.stopLoop()
            #expect(thread.join(milliseconds: 10_000))
        }
        var isThere = false
        while !isThere { take(thread.mailbox) { isThere = shared.loop != nil } }
        try body(thread.mailbox)
    }

    /// Tries until the loop waits.
    private func take(_ mailbox: Mailbox, _ body: () -> Void) {
        while !mailbox.turns.takeIfFree(body) { sched_yield() }
    }

    @Test func turnsOfBothSidesExcludeEachOther() throws {
        let shared = Shared()
        try withLoop(shared) { mailbox in
            var lent = 0
            for _ in 0..<5_000 {
                mailbox.post { shared.count += 1 }
                while !mailbox.turns.takeIfFree({ shared.count += 1 }) { sched_yield() }
                lent += 1
            }
            let done = Atomic<Bool>(false)
            mailbox.post { done.store(true, ordering: .releasing) }
            while !done.load(ordering: .acquiring) { sched_yield() }
            take(mailbox) { #expect(shared.count == 5_000 + lent) }
        }
    }

    @Test func aLoopAtWorkIsNotLent() throws {
        let shared = Shared()
        try withLoop(shared) { mailbox in
            let begun = Atomic<Bool>(false), ends = Atomic<Bool>(false)
            mailbox.post {
                begun.store(true, ordering: .releasing)
                while !ends.load(ordering: .acquiring) { sched_yield() }
            }
            while !begun.load(ordering: .acquiring) { sched_yield() }
            #expect(!mailbox.turns.takeIfFree { _ = Issue.record("in the middle of a turn") })
            ends.store(true, ordering: .releasing)
            take(mailbox) {}
        }
    }

    /// It would sleep for ever.
    @Test func theLoopWakesForATimerThatWasSetMeanwhile() throws {
        let shared = Shared()
        try withLoop(shared) { mailbox in
            let fired = Atomic<Bool>(false)
            take(mailbox) {
                shared.loop?.lent {
                    _ = shared.loop?.schedule(afterMilliseconds: 5) {
                        fired.store(true, ordering: .releasing)
                    }
                }
            }
            while !fired.load(ordering: .acquiring) { usleep(500) }
        }
    }

    @Test func theTimeOfALentTurnIsItsOwn() throws {
        let shared = Shared()
        try withLoop(shared) { mailbox in
            take(mailbox) {
                let before = shared.loop?.now ?? .distantFuture
                usleep(2_000)
                shared.loop?.lent {
                    #expect(before.adding(milliseconds: 2) <= shared.loop?.now ?? .zero)
                }
            }
        }
    }
}
