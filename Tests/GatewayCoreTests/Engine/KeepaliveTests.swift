import Testing
import Timing

@testable import GatewayCore

@Suite struct KeepaliveTests {
    private func at(_ milliseconds: Int64) -> Instant {
        Instant.zero.adding(milliseconds: milliseconds)
    }

    @Test("no ping is due where none is wanted")
    func none() {
        let keepalive = Keepalive(now: at(0))
        #expect(keepalive.due(timeoutMilliseconds: 500) == .distantFuture)
    }

    @Test(
        "silence is counted from what was received last, and a ping asks whether somebody is there")
    func silence() {
        var keepalive = Keepalive(now: at(0))
        keepalive.begin(intervalMilliseconds: 1_000)
        #expect(keepalive.due(timeoutMilliseconds: 500) == at(1_000))
        keepalive.received(at(700))
        #expect(keepalive.due(timeoutMilliseconds: 500) == at(1_700))
        let first = keepalive.take(at(1_800))
        #expect(first == .ping)
        #expect(keepalive.due(timeoutMilliseconds: 500) == at(2_300))
        let second = keepalive.take(at(2_300))
        #expect(second == .gone)
    }

    @Test("whatever comes after a ping is an answer")
    func answer() {
        var keepalive = Keepalive(now: at(0))
        keepalive.begin(intervalMilliseconds: 1_000)
        _ = keepalive.take(at(1_000))
        keepalive.received(at(1_499))
        #expect(keepalive.due(timeoutMilliseconds: 500) == at(2_499))
        let next = keepalive.take(at(2_499))
        #expect(next == .ping)
    }
}
