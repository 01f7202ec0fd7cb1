import EventLoop
import Glibc
import Testing
import Timing

/// Turns of a loop: who is told, in which order, and when it sleeps.
@Suite struct EventLoopTests {
    @Test func aReadableDescriptorIsToldOfUntilItIsRead() throws {
        let loop = try EventLoop()
        let (left, right) = try Socket.pair()
        let (near, far) = (PlainTransport(left), PlainTransport(right))
        defer { near.close(); far.close() }
        let handler = Handler()
        var told = 0
        handler.action = { readiness in
            #expect(readiness == .readable)
            told += 1
        }
        let registration = try loop.add(near.descriptor, .read, handler: handler)
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told == 0)
        #expect(far.write("x") == .bytes(1))
        loop.runOnce(timeoutMilliseconds: 0)
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told == 2)
        loop.modify(registration, [])
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told == 2)
        loop.remove(registration)
    }

    /// The first handler of a turn removes the second, whose event was already fetched, and a new
    /// registration takes the slot: neither may be told.
    @Test func aStaleEventReachesNobody() throws {
        let loop = try EventLoop()
        let pairs = try (0..<3).map { _ in try Socket.pair() }
        defer { for (a, b) in pairs { Socket.close(a); Socket.close(b) } }
        let handlers = (0..<3).map { _ in Handler() }
        // They know each other.
        defer { for handler in handlers { handler.action = { _ in } } }
        var told: [Int] = []
        var registrations = [Registration?](repeating: nil, count: 2)
        for index in 0..<2 {
            handlers[index].action = { _ in
                told.append(index)
                guard told.count == 1, let other = registrations[1 - index] else { return }
                loop.remove(other)
                let reused = try? loop.add(pairs[2].0, .read, handler: handlers[2])
                #expect(reused != nil)
            }
            registrations[index] = try loop.add(pairs[index].0, .read, handler: handlers[index])
        }
        handlers[2].action = { _ in told.append(2) }
        for (_, far) in pairs.prefix(2) { #expect(PlainTransport(far).write("x") == .bytes(1)) }
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told.count == 1)
    }

    @Test func aHangUpIsToldWithoutInterest() throws {
        let loop = try EventLoop()
        let (left, right) = try Socket.pair()
        let handler = Handler()
        var told: Readiness = []
        handler.action = { told.formUnion($0) }
        let registration = try loop.add(left, [], handler: handler)
        Socket.close(right)
        loop.runOnce(timeoutMilliseconds: 0)
        #expect(told.contains(any: .failed))
        loop.remove(registration)
        Socket.close(left)
    }

    @Test func whatCannotBeWaitedForIsRefused() throws {
        let loop = try EventLoop()
        let handler = Handler()
        let (left, right) = try Socket.pair()
        defer { Socket.close(left); Socket.close(right) }
        _ = try loop.add(left, .read, handler: handler)
        #expect(throws: SystemError("epoll_ctl", errno: EEXIST)) {
            _ = try loop.add(left, .read, handler: handler)
        }
        let file = open("/etc/passwd", O_RDONLY)
        defer { close(file) }
        #expect(throws: SystemError("epoll_ctl", errno: EPERM)) {
            _ = try loop.add(file, .read, handler: handler)
        }
        #expect(throws: SystemError("epoll_ctl", errno: EBADF)) {
            _ = try loop.add(-1, .read, handler: handler)
        }
    }

    @Test func timersFireInOrderAndNotEarly() throws {
        let loop = try EventLoop()
        var fired: [String] = []
        let start = loop.now
        loop.schedule(afterMilliseconds: 20) { fired.append("late") }
        loop.schedule(afterMilliseconds: 5) { fired.append("early") }
        let cancelled = loop.schedule(afterMilliseconds: 1) { fired.append("never") }
        loop.cancel(cancelled)
        #expect(loop.turn { fired.count == 2 })
        #expect(fired == ["early", "late"])
        #expect(loop.now.milliseconds(since: start) >= 20)
    }

    @Test func theDeadlineHookBoundsTheSleep() throws {
        let loop = try EventLoop()
        var turns = 0
        loop.afterTurn = { turns += 1 }
        let due = MonotonicClock.now().adding(milliseconds: 15)
        loop.deadline = { due }
        let start = MonotonicClock.now()
        loop.runOnce(timeoutMilliseconds: 60_000)
        #expect(MonotonicClock.now() >= due)
        #expect(MonotonicClock.now().milliseconds(since: start) < 60_000)
        // Work is left: the loop does not sleep.
        loop.runOnce()
        #expect(turns == 2)
    }

    @Test func aTimerMayScheduleForNowWithoutStarvingTheTurn() throws {
        let loop = try EventLoop()
        var count = 0
        func again() {
            count += 1
            if count < 5 { loop.schedule(at: loop.now) { again() } }
        }
        loop.schedule(at: loop.now) { again() }
        for turn in 1...5 {
            loop.runOnce(timeoutMilliseconds: 60_000)
            #expect(count == turn)
        }
    }
}
