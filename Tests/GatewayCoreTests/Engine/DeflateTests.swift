import DevBroker
import Testing
import Timing

@testable import GatewayCore

/// permessage-deflate: records are compressed once for all sessions.
@Suite struct DeflateTests {
    private static let offer = "Sec-WebSocket-Extensions: permessage-deflate"

    private func fixture(_ records: Int) throws -> Rig {
        let rig = try Rig(routes: [Rig.route(#"{"compression":true}"#)])
        rig.brokers.createTopic("t")
        for start in stride(from: 0, to: records, by: 100) {
            try rig.brokers.append(
                "t", (start..<start + 100).map { DevRecord(value($0)) }, now: rig.now)
        }
        return rig
    }

    private func value(_ number: Int) -> String {
        "value \(number) \(number &* 7_919) " + String(repeating: "abc", count: number % 30)
    }

    private func check(_ batch: Response.Batch?, from start: Int64, to end: Int64) {
        #expect(batch?.records.map(\.offset) == Array(start..<end))
        #expect(batch?.records.allSatisfy { $0.text == value(Int($0.offset)) } == true)
        #expect(batch?.nextOffset == end)
    }

    @Test("a live push is compressed once, however many follow")
    func live() throws {
        let rig = try fixture(100)
        let clients = try (0..<50).map { _ in try rig.connect("/kafka", Self.offer) }
        for client in clients {
            client.send(Request.subscribe(1, [("t", [0], .latest)]))
            rig.pass(10)
            _ = client.takeMessages()
        }
        try rig.brokers.append("t", (100..<300).map { DevRecord(value($0)) }, now: rig.now)
        rig.pass(2_000)
        for client in clients {
            let batches = try client.takeReplies().compactMap(\.batch)
            #expect(batches.flatMap(\.records).map(\.text) == (100..<300).map(value))
        }
        let chunks = rig.engine.workshop.chunks
        // To 128, to 256, to 300.
        #expect(chunks.madeCount == 3)
        #expect(chunks.sharedCount == 3 * 49)
    }

    @Test("readers that begin elsewhere share what follows; the ragged ends are their own")
    func offsets() throws {
        let rig = try fixture(2_000)
        let chunks = rig.engine.workshop.chunks
        let first = try rig.connect("/kafka", Self.offer)
        check(try first.ask(Request.fetch(1, "t", 0, 0)).batch, from: 0, to: 2_000)
        let made = chunks.madeCount
        #expect((16...40).contains(made))
        for start in [1, 100, 128, 777, 1_919] as [Int64] {
            let client = try rig.connect("/kafka", Self.offer)
            let before = chunks.madeCount
            check(try client.ask(Request.fetch(1, "t", 0, start)).batch, from: start, to: 2_000)
            #expect(chunks.madeCount - before <= 2, "from \(start)")
        }
    }

    @Test("another window is compressed for itself")
    func windows() throws {
        let rig = try fixture(500)
        for (index, window) in ["", "; server_max_window_bits=9"].enumerated() {
            let client = try rig.connect("/kafka", Self.offer + window)
            check(try client.ask(Request.fetch(1, "t", 0, 0)).batch, from: 0, to: 500)
            check(try client.ask(Request.fetch(1, "t", 0, 0)).batch, from: 0, to: 500)
            let chunks = rig.engine.workshop.chunks
            // All of it once, and the second time nothing.
            #expect(chunks.madeCount == chunks.sharedCount)
            #expect(chunks.madeCount >= 4 * (index + 1))
        }
    }

    @Test("JSON is shared too")
    func json() throws {
        let rig = try fixture(500)
        let chunks = rig.engine.workshop.chunks
        var texts: Set<String> = []
        for _ in 0..<3 {
            let client = try rig.connect(
                "/kafka", Self.offer, "Sec-WebSocket-Protocol: pubsub.text")
            client.send(text: #"{"cmdKafkaFetch":{"topic":"t","offset":0}}"#)
            texts.formUnion(client.takeTexts())
        }
        #expect(texts.count == 1)
        for text in texts {
            #expect(text.hasPrefix(#"{"sequence":0,"kafkaFetchResp":{"#) && text.hasSuffix("]}}"))
            #expect(text.contains(value(0) + "\"") && text.contains(value(499) + "\""))
        }
        #expect(chunks.sharedCount == 2 * chunks.madeCount)
    }

    @Test("a log that lost its end is not served from what was compressed")
    func truncated() throws {
        let rig = try fixture(300)
        let client = try rig.connect("/kafka", Self.offer)
        check(try client.ask(Request.fetch(1, "t", 0, 0)).batch, from: 0, to: 300)
        _ = rig.brokers.recreateTopic("t", now: rig.now)
        try rig.brokers.append(
            "t", (0..<300).map { DevRecord("other " + value($0)) }, now: rig.now)
        rig.pass(20_000)
        var reply = try client.ask(Request.fetch(2, "t", 0, 0))
        for _ in 0..<5 where reply.batch?.records.isEmpty ?? true {
            rig.pass(5_000)
            client.keepAlive()
            reply = try client.ask(Request.fetch(2, "t", 0, 0))
        }
        let texts = try #require(reply.batch?.records.map(\.text))
        #expect(texts == (0..<300).map { "other " + value($0) })
    }

    @Test("a session's share of a turn is what is compressed, not what is left of it")
    func share() throws {
        let rig = try Rig(routes: [Rig.route(#"{"compression":true}"#)])
        rig.brokers.createTopic("t")
        let record = DevRecord(String(repeating: "x", count: 1_000))
        for _ in 0..<30 {
            try rig.brokers.append("t", (0..<100).map { _ in record }, now: rig.now)
        }
        let client = try rig.connect("/kafka", Self.offer, "Sec-WebSocket-Protocol: pubsub.text")
        let fetch = #"{"cmdKafkaFetch":{"topic":"t","maxBytes":8000000}}"#
        client.send(text: fetch)
        let whole = rig.engine.workshop.madeBytes
        #expect(whole > 3_000_000)
        client.isBlocked = true
        client.send(text: fetch)
        var turns = 0
        var state = OutputState.more
        while state == .more {
            let before = rig.engine.workshop.madeBytes
            var sent = 0
            state = rig.engine.writeOutput(client.id, now: rig.now) {
                let count = $0.reduce(0) { $0 + $1.iov_len }
                sent += count
                return count
            }
            let made = Int(rig.engine.workshop.madeBytes - before)
            #expect(made < GatewayEngine.turnBytesMax + 2 * ChunkedReply.chunkBytesMax)
            #expect(sent < made / 10)
            turns += 1
        }
        #expect(state == .drained && turns == 4)
        #expect(rig.engine.workshop.madeBytes == 2 * whole)
    }

    @Test("what was compressed is bounded")
    func bound() throws {
        let rig = try Rig(routes: [
            Rig.route(#"{"compression":true,"fetch":{"max_bytes":20000000}}"#)
        ])
        rig.brokers.createTopic("t")
        var random = SeededRandom(seed: 3)
        for _ in 0..<60 {
            let noise = (0..<100_000).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            try rig.brokers.append("t", [DevRecord(value: noise)], now: rig.now)
        }
        let client = try rig.connect("/kafka", Self.offer)
        for _ in 0..<2 {
            let batch = try client.ask(Request.fetch(1, "t", 0, 0, maxBytes: 20_000_000)).batch
            #expect(batch?.records.count == 60)
        }
        #expect(rig.engine.workshop.chunks.byteCount <= PackedChunks.bytesMax)
    }
}
