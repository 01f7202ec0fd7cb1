import DevBroker
import GatewayCore
import Testing

/// Fetches of clients of the original, and offsets that are not in the log.
@Suite struct FetchRangeTests {
    /// Records 10 to 19.
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        let rig = try Rig(routes: [Rig.route(pubsub)])
        rig.brokers.createTopic("t")
        for number in 0..<20 { try rig.brokers.append("t", [DevRecord("\(number)")], now: rig.now) }
        rig.brokers.deleteRecords("t", before: 10)
        return rig
    }

    private func offsets(_ response: Response) -> [Int64]? {
        response.batch?.records.map(\.offset)
    }

    @Test("A negative offset of a command without our fields begins at the log's start")
    func negative() throws {
        let client = try rig().connect()
        for offset in [-1, -10, .min] as [Int64] {
            #expect(offsets(try client.ask(Request.fetch(1, "t", 0, offset))) == Array(10..<20))
            let ours = try client.ask(Request.fetch(2, "t", 0, offset, maxBytes: 1_000))
            #expect(ours.failure?.code == 1_001)
        }
        // What is below the log and no negative number may be a gap.
        #expect(try client.ask(Request.fetch(1, "t", 0, 9)).failure?.code == 1_001)
        #expect(try client.ask(Request.fetch(1, "t", 0, 21)).failure?.code == 1_001)
    }

    @Test("fetch.reset nearest: a fetch outside of the log begins at its nearer end")
    func nearest() throws {
        let rig = try rig(#"{"fetch": {"reset": "nearest"}}"#)
        let client = try rig.connect()
        for offset in [-5, 0, 9] as [Int64] {
            #expect(offsets(try client.ask(Request.fetch(1, "t", 0, offset))) == Array(10..<20))
            let ours = try client.ask(Request.fetch(2, "t", 0, offset, maxBytes: 1_000))
            #expect(offsets(ours) == Array(10..<20))
        }
        // The original's clients know of no next_offset: a record has to tell them where they are.
        #expect(offsets(try client.ask(Request.fetch(1, "t", 0, 500))) == [19])
        let ours = try #require(
            try client.ask(Request.fetch(2, "t", 0, 500, maxBytes: 1_000)).batch)
        #expect(ours.records.isEmpty && ours.nextOffset == 20 && ours.highWatermark == 20)
    }

    @Test("A reply goes to the end of the log though only its first records are cached")
    func theRest() throws {
        let rig = try rig()
        let client = try rig.connect()
        for end in stride(from: 20 as Int64, to: 50, by: 7) {
            let reply = try client.ask(Request.fetch(1, "t", 0, max(10, end - 8)))
            #expect(offsets(reply) == Array(max(10, end - 8)..<end))
            for _ in 0..<7 { try rig.brokers.append("t", [DevRecord("more")], now: rig.now) }
            rig.pass(700)
        }
    }

    @Test("A fetch without our fields waits an outage out; others are told at once")
    func outage() throws {
        let rig = try rig()
        let client = try rig.connect()
        _ = try client.ask(Request.fetch(1, "t", 0, 10))
        rig.brokers.takeDown(1, elects: false, now: rig.now)
        rig.network.unreachable = [9092]
        rig.settle()
        client.send(Request.fetch(2, "t", 0, 20, maxBytes: 1_000))
        client.send(Request.fetch(3, "t", 0, 20))
        rig.pass(5_000)
        #expect(try client.takeReplies().map(\.sequence) == [2])
        rig.network.unreachable = []
        rig.brokers.bringUp(1, now: rig.now)
        rig.pass(5_000)
        let reply = try #require(try client.takeReplies().first)
        #expect(reply.sequence == 3 && reply.batch?.nextOffset == 20)
    }

    @Test("fetch.reset has two names")
    func names() throws {
        #expect(throws: ConfigurationError.self) {
            try rig(#"{"fetch": {"reset": "latest"}}"#)
        }
    }
}
