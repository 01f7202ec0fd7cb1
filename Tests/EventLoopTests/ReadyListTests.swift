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

    @Test(
        "those who need little come first, one of four is the last one, equal ones keep their order"
    )
    func order() {
        var list = ReadyList()
        defer { list.free() }
        for number in 0..<200 {
            list.events[number] = epoll_event(
                events: 1, data: epoll_data_t(u64: UInt64(number)))
        }
        list.fill(200, at: .zero)
        list.sort { $0 == 150 ? 3 : $0 == 120 ? 63 : 40 }
        var told: [UInt64] = []
        while let index = list.next() { told.append(list.data(index)) }
        #expect(told.prefix(9) == [150, 0, 1, 120, 2, 3, 4, 199, 5])
        #expect(told.sorted() == Array(0..<200))
        #expect(list.isEmpty && list.isOld(.zero))
    }

    @Test("all are asked for when there are more than a usual turn's, until there are fewer")
    func limit() {
        var list = ReadyList()
        defer { list.free() }
        #expect(list.limit == ReadyList.usualMax)
        list.fill(ReadyList.usualMax, at: .zero)
        #expect(list.limit == ReadyList.crowdMax && !list.isOld(.zero))
        #expect(list.isOld(Instant.zero.adding(milliseconds: ReadyList.ageMillisecondsMax)))
        list.fill(1_000, at: .zero)
        #expect(list.limit == ReadyList.crowdMax && list.count == 1_000)
        list.fill(10, at: .zero)
        #expect(list.limit == ReadyList.usualMax && list.count == 10)
    }

    @Test("of a crowd nobody is left out")
    func crowd() throws {
        let loop = try EventLoop()
        let handlers = try (0..<400).map { _ in try Ready(loop, rank: 40) }
        defer { end(loop, handlers) }
        var told = 0
        for handler in handlers {
            handler.action = {
                told += 1
                $0.rest()
            }
        }
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told == EventLoop.eventsPerTurnMax)
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told == 400)
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
