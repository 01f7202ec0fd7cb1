import EventLoop
import Glibc
import Testing
import Timing

@Suite struct ListenerTests {
    /// accept(2) fails with EMFILE while the connection stays ready: a loop that only tried again
    /// would spin. In a process of its own: the tests beside this one need descriptors.
    @Test func withoutDescriptorsItRestsAndServesAgain() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            var accepted: [Int32] = []
            var refusals: [SystemError] = []
            let listener = try Listener(
                Socket.listen(on: loopback()), loop: loop, exhausted: { refusals.append($0) },
                accepted: { accepted.append($0) })
            let address = loopback(try #require(listener.address?.port))
            let clients = try (0..<3).map { _ in try Socket.connect(to: address) }
            let held = takeAllDescriptors()

            try #require(loop.turn { !refusals.isEmpty })
            #expect(refusals == [SystemError("accept4", errno: EMFILE)] && accepted.isEmpty)
            // Half a second has room for five more tries, and for many turns of a loop that spins.
            let start = MonotonicClock.now()
            var elapsed: Int64 = 0
            var turns = 0
            while elapsed < 500 {
                loop.runOnce(timeoutMilliseconds: 1000)
                turns += 1
                elapsed = MonotonicClock.now().milliseconds(since: start)
            }
            #expect(accepted.isEmpty)
            let tries = Int(elapsed / 100) + 2
            #expect((2...tries).contains(refusals.count), "\(refusals.count) in \(elapsed) ms")
            #expect(turns <= 2 * tries, "\(turns) turns in \(elapsed) ms")

            // As many as there are descriptors for, then the rest.
            for descriptor in held.prefix(2) { close(descriptor) }
            #expect(loop.turn { accepted.count == 2 })
            close(held[2])
            #expect(loop.turn { accepted.count == 3 })
            for descriptor in clients { Socket.close(descriptor) }
            listener.close()
        }
    }

    @Test func closedWhileItRestsItStaysClosed() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            var refusals = 0
            let listener = try Listener(
                Socket.listen(on: loopback()), loop: loop, exhausted: { _ in refusals += 1 },
                accepted: { _ in Issue.record("accepted") })
            let address = loopback(try #require(listener.address?.port))
            _ = try Socket.connect(to: address)
            let held = takeAllDescriptors()
            try #require(loop.turn { refusals == 1 })
            listener.close()
            for descriptor in held { close(descriptor) }
            // Longer than the rest.
            let end = MonotonicClock.now().adding(milliseconds: 300)
            while MonotonicClock.now() < end { loop.runOnce(timeoutMilliseconds: 20) }
            #expect(refusals == 1)
        }
    }
}

/// Leaves the process no descriptor; those that it opened for that.
private func takeAllDescriptors() -> [Int32] {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_cur, 256)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    var held: [Int32] = []
    while case let descriptor = dup(STDERR_FILENO), descriptor >= 0 { held.append(descriptor) }
    return held
}
