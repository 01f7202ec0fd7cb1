import DevBroker
import GatewayCore
import KafkaCore
import Testing
import Timing

@testable import struct GatewayCore.Complaints

/// What the log and the metrics are told of clients, who choose what they send.
@Suite struct GatewayTellingTests {
    private func warnings(_ rig: Rig, _ words: String) -> Int {
        rig.logs.count { $0.level == .warning && $0.line.contains(words) }
    }

    @Test("a client that is refused is a warning")
    func refused() throws {
        let rig = try Rig()
        let client = rig.accept()
        client.sendRaw(Rig.head("/nowhere"))
        #expect(warnings(rig, "refused with 404") == 1)
        _ = rig.accept()
        rig.pass(30_000)
        #expect(warnings(rig, "no request in time") == 1)
    }

    @Test("a session is told when it opens and when it closes")
    func sessions() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let lines = { (words: String) in
            rig.logs.count { $0.level == .info && $0.line.contains(words) }
        }
        #expect(lines(": opened") == 1 && lines(": closed") == 0)
        client.sendClose(1_000)
        #expect(lines(": opened") == 1 && lines(": closed with 1000") == 1)
    }

    @Test("close codes that clients make up are one line of the metrics")
    func closeCodes() throws {
        let rig = try Rig()
        for code in Array(3_000..<3_100) + Array(4_000..<4_020) + [1_000, 1_001] as [UInt16] {
            try rig.connect().sendClose(code)
        }
        rig.pass(10_000)
        let closes = rig.engine.metrics().closes
        #expect(closes.count == 3)
        #expect(closes.first { $0.key.code == 0 }?.value == 120)
        #expect(closes.first { $0.key.code == 1_001 }?.value == 1)
    }

    @Test("a cause that a thousand commands meet is told once")
    func repeats() throws {
        let rig = try Rig()
        rig.network.unreachable = [9092, 9093, 9094]
        for _ in 0..<20 {
            let client = try rig.connect()
            for sequence in 1...50 { client.send(Request.fetch(Int64(sequence), "t", 0, 0)) }
            rig.pass(100)
        }
        #expect(warnings(rig, "fetch \"t\"") <= 2)
        #expect(rig.logs.count { $0.level == .debug && $0.line.contains("fetch \"t\"") } >= 900)
    }

    @Test("causes are remembered for a minute, and no more than so many")
    func complaints() {
        var complaints = Complaints()
        func at(_ seconds: Int64) -> Instant { Instant.zero.adding(milliseconds: seconds * 1_000) }
        #expect(complaints.isNews("a", now: at(1)) == true)
        #expect(complaints.isNews("a", now: at(50)) == false)
        #expect(complaints.isNews("a", now: at(100)) == false)
        #expect(complaints.isNews("a", now: at(160)) == true)
        let news = (0..<5_000).count { complaints.isNews("\($0)", now: at(161)) }
        #expect(news == Complaints.causesMax - 1)
        #expect(complaints.isNews("b", now: at(300)) == true)
    }
}
