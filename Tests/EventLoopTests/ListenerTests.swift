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

            // A machine under load makes the rests longer, never shorter.
            let start = MonotonicClock.now()
            var turns = 0
            try #require(
                loop.turn {
                    turns += 1
                    return refusals.count == 4
                })
            let elapsed = MonotonicClock.now().milliseconds(since: start)
            let full = SystemError("accept4", errno: EMFILE)
            #expect(refusals.allSatisfy { $0 == full } && accepted.isEmpty)
            #expect(elapsed >= 300, "4 tries in \(elapsed) ms")
            // `turn` sleeps 20 ms a turn, where nothing spins.
            #expect(turns <= elapsed / 20 + 20, "\(turns) turns in \(elapsed) ms")

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
