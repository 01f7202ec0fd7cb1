import CTestHeap
import DevBroker
import GatewayCore
import Testing

/// Bounds on memory. One at a time: they look at what the whole process holds.
@Suite(.serialized) struct MemoryTests {
    private func heapBytes() -> Int { heap_bytes_in_use() }

    /// Grows by what `body` leaves behind; the least of some runs, because other tests run too.
    private func growth(_ body: () throws -> Void) rethrows -> Int {
        let before = heapBytes()
        try body()
        return heapBytes() - before
    }

    @Test("an idle session holds little: no buffers, no queues")
    func idleSession() throws {
        let rig = try Rig()
        for _ in 0..<500 { _ = try rig.connect() }
        var least = Int.max
        // The heap is the process's: what other tests take meanwhile comes and goes.
        for _ in 0..<50 where least >= 2048 {
            let bytes = try growth {
                for _ in 0..<1_000 {
                    let client = try rig.connect()
                    _ = try client.ask(Request.ping(1, "some state"))
                }
            }
            least = min(least, bytes / 1_000)
        }
        #expect(least < 2048, "\(least) bytes a session")
    }

    /// The benchmark does it with 1,000 and full replies; a debug build takes its time.
    @Test("clients that stop in the middle of large replies cost places, not bytes")
    func stoppedSessions() throws {
        var settings = GatewaySettings()
        settings.cacheBytes = 256 << 10
        let rig = try Rig(settings: settings)
        rig.brokers.createTopic("big")
        let value = [UInt8](repeating: 0x61, count: 4000)
        for _ in 0..<20 {
            try rig.brokers.append(
                "big", (0..<10).map { _ in DevRecord(value: value) }, now: rig.now)
        }
        var clients: [TestClient] = []
        let bytes = try growth {
            for number in 0..<300 {
                let client = try rig.connect()
                client.room = 3_000
                client.send(Request.fetch(1, "big", 0, Int64(number % 100)))
                clients.append(client)
            }
            rig.pass(1_000)
        }
        #expect(clients.allSatisfy { $0.isBlocked })
        let promised = rig.engine.metrics().unsentBytes
        #expect(promised > 150_000_000)
        // The cache, its runs' room to grow, and the test's own clients.
        #expect(bytes < 30 << 20, "\(bytes) bytes for \(promised)")
        // And the promises are kept, though nothing of them is in the cache any more.
        for number in [0, 149, 299] {
            clients[number].read()
            rig.pass(1_000)
            let batch = try #require(try clients[number].takeReplies().first?.batch)
            let first = Int64(number % 100)
            #expect(batch.records.map(\.offset) == Array(first..<200))
            #expect(batch.records.allSatisfy { $0.value == value })
        }
    }

    /// A client in the middle of a reply that is larger than the cache; "other" is as large.
    private func blockedReader() throws -> (rig: Rig, client: TestClient) {
        var settings = GatewaySettings()
        settings.cacheBytes = 100_000
        let rig = try Rig(settings: settings)
        let value = [UInt8](repeating: 0x61, count: 1000)
        for topic in ["big", "other"] {
            rig.brokers.createTopic(topic)
            for _ in 0..<20 {
                try rig.brokers.append(
                    topic, (0..<50).map { _ in DevRecord(value: value) }, now: rig.now)
            }
        }
        let client = try rig.connect()
        client.room = 5_000
        client.send(Request.fetch(1, "big", 0, 0))
        rig.pass(100)
        #expect(client.isBlocked)
        return (rig, client)
    }

    @Test("records of a reply under way that are gone for good end the session: 1011")
    func brokenPromise() throws {
        let (rig, client) = try blockedReader()
        rig.brokers.deleteRecords("big", before: 900)
        // Somebody else's reads push the records out of the cache.
        let other = try rig.connect()
        _ = try other.ask(Request.fetch(1, "other", 0, 0))
        client.read()
        rig.pass(40_000)
        #expect(client.isClosed && client.closed?.code == 1011)
        #expect(try rig.connect().ask(Request.fetch(1, "other", 0, 0)).batch != nil)
    }

    @Test("records of a reply under way that a new leader does not tell of yet are waited for")
    func laggingLeader() throws {
        let (rig, client) = try blockedReader()
        // Somebody else's reads push the records out of the cache.
        let other = try rig.connect()
        _ = try other.ask(Request.fetch(1, "other", 0, 0))
        rig.brokers.holdHighWatermark("big", 0, at: 0, now: rig.now)
        client.read()
        rig.pass(2_000)
        #expect(!client.isClosed)
        rig.brokers.holdHighWatermark("big", 0, at: nil, now: rig.now)
        rig.pass(10_000)
        let batch = try #require(try client.takeReplies().first?.batch)
        #expect(batch.records.map(\.offset) == Array(0..<Int64(batch.records.count)))
        #expect(batch.records.count > 900)
    }
}
