import Compression
import DevBroker
import GatewayCore
import Testing

/// Record batches of every kind, from the broker's log to the client.
@Suite struct BatchTests {
    @Test("compressed batches", arguments: Codec.allCases)
    func codecs(_ codec: Codec) throws {
        try #require(codec.isAvailable)
        let rig = try Rig()
        rig.brokers.createTopic("t")
        for start in stride(from: 0, to: 60, by: 20) {
            let records = (start..<start + 20).map { DevRecord("value \($0)", key: "key \($0)") }
            try rig.brokers.append("t", records, codec: codec, now: rig.now)
        }
        let client = try rig.connect()
        let reply = try client.ask(Request.fetch(1, "t", 0, 25))
        let records = try #require(reply.batch?.records)
        #expect(records.map(\.offset) == Array(25..<60))
        #expect(records.map(\.text) == (25..<60).map { "value \($0)" })
        #expect(records.map(\.key) == (25..<60).map { Array("key \($0)".utf8) })
    }

    @Test("both framings of snappy")
    func framings() throws {
        let rig = try Rig()
        rig.brokers.createTopic("t")
        let value = String(repeating: "snappy or not ", count: 5_000)
        for framing in [.raw, .xerial] as [CompressionOptions.SnappyFraming] {
            var options = CompressionOptions()
            options.snappyFraming = framing
            try rig.brokers.append(
                "t", [DevRecord(value)], codec: .snappy, options: options, now: rig.now)
        }
        let records = try rig.connect().ask(Request.fetch(1, "t", 0, 0)).batch?.records
        #expect(records?.count == 2)
        #expect(records?.allSatisfy { $0.text == value } == true)
    }

    /// Offsets 0 plain, 1-2 committed, 3 marker, 4-5 aborted, 6 marker, 7 plain, 8 open, 9 plain.
    private func transactions() throws -> Rig {
        let rig = try Rig()
        rig.brokers.createTopic("t")
        func append(_ texts: String..., producer: DevProducer? = nil) throws {
            try rig.brokers.append(
                "t", texts.map { DevRecord($0) }, producer: producer, now: rig.now)
        }
        let committed = DevProducer(id: 7, isTransactional: true)
        let aborted = DevProducer(id: 8, isTransactional: true)
        try append("plain")
        try append("committed 1", "committed 2", producer: committed)
        rig.brokers.endTransaction("t", producer: committed, committed: true, now: rig.now)
        try append("aborted 1", "aborted 2", producer: aborted)
        rig.brokers.endTransaction("t", producer: aborted, committed: false, now: rig.now)
        try append("plain")
        try append("open", producer: DevProducer(id: 9, isTransactional: true))
        try append("behind")
        return rig
    }

    @Test("read_uncommitted gets everything but markers; read_committed what is certain")
    func isolation() throws {
        let rig = try transactions()
        let client = try rig.connect()
        // What the cache holds may end earlier than what the broker has: a client reads on.
        func read(_ isolation: Int64, to end: Int64) throws -> [Int64] {
            var offsets: [Int64] = []
            var next: Int64 = 0
            while next < end {
                let batch = try #require(
                    try client.ask(Request.fetch(1, "t", 0, next, isolation: isolation)).batch)
                offsets += batch.records.map(\.offset)
                try #require((next + 1...end).contains(batch.nextOffset ?? -1))
                next = batch.nextOffset ?? end
            }
            return offsets
        }
        for _ in 0..<3 {
            #expect(try read(1, to: 10) == [0, 1, 2, 4, 5, 7, 8, 9])
            #expect(try read(2, to: 8) == [0, 1, 2, 7])
        }
        // Inside of what was aborted: on to what follows, from the cache or not.
        let from = try #require(try client.ask(Request.fetch(3, "t", 0, 4, isolation: 2)).batch)
        #expect(from.records.map(\.offset) == [7] && from.nextOffset == 8)
        let none = try #require(try client.ask(Request.fetch(4, "t", 0, 8, isolation: 2)).batch)
        #expect(none.records.isEmpty && none.nextOffset == 8 && none.lastStable == 8)
    }

    @Test("the route's isolation counts for a client that names none; a commit lets it go on")
    func route() throws {
        let rig = try transactions()
        try rig.table.put(route: Rig.route(#"{"isolation":"read_committed"}"#))
        rig.engine.setRoutes(rig.table, now: rig.now)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("t", [0], .earliest)]))
        rig.pass(2_000)
        func offsets() throws -> [Int64] {
            try client.takeReplies().compactMap(\.batch).flatMap { $0.records.map(\.offset) }
        }
        #expect(try offsets() == [0, 1, 2, 7])
        #expect(try client.ask(Request.listOffset(2, "t", 0, -1)).offset == 8)
        rig.brokers.endTransaction(
            "t", producer: DevProducer(id: 9, isTransactional: true), committed: true,
            now: rig.now)
        rig.pass(2_000)
        #expect(try offsets() == [8, 9])
    }
}
