import DevBroker
import KafkaProtocol
import Testing

/// KIP-227.
@Suite struct FetchSessionTests {
    private func bench(_ change: (inout BrokerSettings) -> Void = { _ in }) throws -> (
        Bench, BenchClient
    ) {
        let bench = Bench(change)
        bench.cluster.createTopic("t", partitions: 3)
        for partition in Int32(0)..<3 {
            try bench.cluster.append("t", partition: partition, numbered(0..<5), now: bench.now)
        }
        return (bench, try bench.client())
    }

    private let asks = (Int32(0)..<3).map {
        BenchClient.Ask(topic: "t", partition: $0, offset: 5)
    }

    @Test("a session tells everything first, then only what is new", arguments: [11, 12, 13, 17])
    func incremental(_ version: Int) throws {
        let version = Int16(version)
        let (bench, client) = try bench()
        let full = try client.fetch(
            client.fetchRequest(asks, version: version, session: (0, 0)), version: version)
        let session = full.response.sessionID
        #expect(session != 0)
        #expect(full.partitions.count == 3)

        let quiet = try client.fetch(
            client.fetchRequest([], version: version, session: (session, 1)), version: version)
        #expect(quiet.response.sessionID == session)
        #expect(quiet.partitions.isEmpty)

        try bench.cluster.append("t", partition: 1, numbered(5..<8), now: bench.now)
        let news = try client.fetch(
            client.fetchRequest([], version: version, session: (session, 2)), version: version)
        #expect(news.partitions.map(\.partitionIndex) == [1])
        #expect(try news.batches() == [5...7])

        let moved = try client.fetch(
            client.fetchRequest(
                [.init(topic: "t", partition: 1, offset: 8)], version: version,
                session: (session, 3)),
            version: version)
        #expect(moved.partitions.isEmpty)
    }

    @Test("forgotten partitions are served no more")
    func forgotten() throws {
        let (bench, client) = try bench()
        let full = try client.fetch(
            client.fetchRequest(asks, version: 17, session: (0, 0)), version: 17)
        let session = full.response.sessionID
        try bench.cluster.append("t", partition: 2, numbered(5..<6), now: bench.now)
        let after = try client.fetch(
            client.fetchRequest([], version: 17, session: (session, 1), forgotten: [("t", 2)]),
            version: 17)
        #expect(after.partitions.isEmpty)
    }

    @Test("errors: unknown session, wrong epoch, names and ids mixed")
    func errors() throws {
        let (bench, client) = try bench()
        let full = try client.fetch(
            client.fetchRequest(asks, version: 17, session: (0, 0)), version: 17)
        let session = full.response.sessionID
        func code(_ version: Int16, _ session: (Int32, Int32)) throws -> Int16 {
            try client.fetch(
                client.fetchRequest([], version: version, session: session), version: version
            ).response.errorCode
        }
        #expect(try code(17, (session &+ 1, 1)) == 70)
        #expect(try code(17, (session, 2)) == 71)
        #expect(try code(12, (session, 1)) == 106)
        #expect(try code(17, (session, 1)) == 0)
        bench.cluster.dropFetchSessions(broker: 1)
        #expect(try code(17, (session, 2)) == 70)
    }

    @Test("an epoch of -1 closes the session")
    func closes() throws {
        let (bench, client) = try bench()
        let full = try client.fetch(
            client.fetchRequest(asks, version: 17, session: (0, 0)), version: 17)
        #expect(bench.cluster.fetchSessionCount(broker: 1) == 1)
        let last = try client.fetch(
            client.fetchRequest(asks, version: 17, session: (full.response.sessionID, -1)),
            version: 17)
        #expect(last.response.sessionID == 0)
        #expect(last.partitions.count == 3)
        #expect(bench.cluster.fetchSessionCount(broker: 1) == 0)
    }

    @Test("a full cache serves without a session, until the oldest may be evicted")
    func eviction() throws {
        let (bench, client) = try bench {
            $0.fetchSessionSlots = 1
            $0.fetchSessionEvictionMilliseconds = 1000
        }
        func open() throws -> Int32 {
            try client.fetch(client.fetchRequest(asks, version: 17, session: (0, 0)), version: 17)
                .response.sessionID
        }
        let first = try open()
        #expect(first != 0)
        #expect(try open() == 0)
        bench.pass(milliseconds: 1000)
        let second = try open()
        #expect(second != 0)
        let old = try client.fetch(
            client.fetchRequest([], version: 17, session: (first, 1)), version: 17)
        #expect(old.response.errorCode == 70)
    }

    @Test("under a limit each partition has its turn")
    func fairness() throws {
        let (bench, client) = try bench()
        for partition in Int32(0)..<3 {
            try bench.cluster.append("t", partition: partition, numbered(5..<9), now: bench.now)
        }
        var session: Int32 = 0
        var seen: [Int32] = []
        for epoch in Int32(0)..<3 {
            let request = client.fetchRequest(
                epoch == 0 ? asks : [], version: 17, maxBytes: 1, session: (session, epoch))
            let fetched = try client.fetch(request, version: 17)
            session = fetched.response.sessionID
            for (index, partition) in fetched.partitions.enumerated()
            where !fetched.bytes(index).isEmpty { seen.append(partition.partitionIndex) }
        }
        #expect(seen == [0, 1, 2])
    }
}
