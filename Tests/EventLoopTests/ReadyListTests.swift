import CShims
import Glibc
import Testing
import Timing

@testable import EventLoop

/// What many descriptors that are ready at once are told, in which order, and when.
@Suite struct ReadyListTests {
    /// A descriptor that is always ready, until its handler says otherwise.
    private final class Ready: ReadinessHandler {
        let descriptor: Int32
        var rank: UInt8
        var registration: Registration?
        var action: (Ready) -> Void = { _ in }

        init(_ loop: EventLoop, rank: UInt8) throws {
            self.rank = rank
            descriptor = cshims_eventfd()
            var one: UInt64 = 1
            #expect(Glibc.write(descriptor, &one, 8) == 8)
            registration = try loop.add(descriptor, .read, handler: self)
        }

        deinit { Socket.close(descriptor) }

        func ready(_ readiness: Readiness) { action(self) }

        /// It has nothing more to say.
        func rest() {
            var count: UInt64 = 0
            _ = Glibc.read(descriptor, &count, 8)
        }
    }

    private func end(_ loop: EventLoop, _ handlers: [Ready]) {
        for handler in handlers {
            handler.action = { _ in }
            if let registration = handler.registration { loop.remove(registration) }
        }
    }

    @Test("in a crowd those who need little are told first")
    func crowd() throws {
        let loop = try EventLoop()
        var handlers = try (0..<400).map { _ in try Ready(loop, rank: 40) }
        handlers.append(try Ready(loop, rank: 3))
        defer { end(loop, handlers) }
        var told: [UInt8] = []
        for handler in handlers { handler.action = { told.append($0.rank) } }
        // epoll's own order, as far as it was asked.
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told.count == EventLoop.eventsPerTurnMax)
        told = []
        let listed = loop.now
        while loop.now.milliseconds(since: listed) <= ReadyList.ageMillisecondsMax {
            loop.runOnce(timeoutMilliseconds: 0)
        }
        told = []
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told.first == 3 && told.count == EventLoop.eventsPerTurnMax)
    }

    @Test("a turn that is over leaves the rest for the next ones, those first that need little")
    func over() throws {
        let loop = try EventLoop()
        let handlers = try (0..<60).map { try Ready(loop, rank: $0 == 59 ? 3 : 40) }
        defer { end(loop, handlers) }
        var told: [UInt8] = []
        for handler in handlers {
            handler.action = {
                told.append($0.rank)
                $0.rest()
            }
        }
        var turnEnd = 10
        loop.isTurnOver = { told.count >= turnEnd }
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told.count == 10)
        turnEnd = 20
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told.count == 20 && told[10] == 3)
        turnEnd = 1_000
        while told.count < 60 { loop.runOnce(timeoutMilliseconds: 0) }
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told.count == 60)
    }

    @Test("who needs much is told too, beside those who are always ready and need little")
    func everybody() throws {
        let loop = try EventLoop()
        let light = try (0..<20).map { _ in try Ready(loop, rank: 3) }
        let heavy = try (0..<40).map { _ in try Ready(loop, rank: 40) }
        defer { end(loop, light + heavy) }
        var told = 0
        var turnEnd = 0
        var left = heavy.count
        for handler in light { handler.action = { _ in told += 1 } }
        for handler in heavy {
            handler.action = {
                told += 1
                left -= 1
                $0.rest()
            }
        }
        loop.isTurnOver = { told >= turnEnd }
        for _ in 0..<60 where left > 0 {
            turnEnd = told + 8
            loop.runOnce(timeoutMilliseconds: 0)
        }
        #expect(left == 0)
    }

    @Test("who was removed is not told, though epoll had told of him before")
    func removed() throws {
        let loop = try EventLoop()
        let handlers = try (0..<20).map { _ in try Ready(loop, rank: 10) }
        defer { end(loop, handlers) }
        var told = 0
        for handler in handlers {
            handler.action = { _ in told += 1 }
        }
        var turnEnd = 5
        loop.isTurnOver = { told >= turnEnd }
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told == 5)
        for handler in handlers {
            if let registration = handler.registration { loop.remove(registration) }
        }
        turnEnd = 1_000
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told == 5)
    }

    @Test("jobs of other threads are run in a crowd, too")
    func jobs() throws {
        let loop = try EventLoop()
        let handlers = try (0..<60).map { _ in try Ready(loop, rank: 3) }
        defer { end(loop, handlers) }
        var told = 0
        for handler in handlers { handler.action = { _ in told += 1 } }
        var turnEnd = 10
        loop.isTurnOver = { told >= turnEnd }
        loop.runOnce(timeoutMilliseconds: 0)
        let isRun = Box(false)
        loop.post { isRun.value = true }
        let limit = MonotonicClock.now().adding(milliseconds: 60_000)
        while !isRun.value, MonotonicClock.now() < limit {
            turnEnd = told + 10
            loop.runOnce(timeoutMilliseconds: 0)
        }
        #expect(isRun.value)
    }
}
