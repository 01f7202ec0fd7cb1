import Compression
import DevBroker
import KafkaProtocol
import Testing

@Suite struct ListOffsetsTests {
    private func ask(
        _ client: BenchClient, _ timestamp: Int64, version: Int16 = 9, committed: Bool = false
    ) throws -> ListOffsetsResponse.Partition {
        let answer = try client.ask(
            ListOffsetsRequest(
                isolationLevel: committed ? 1 : 0,
                topics: [.init(name: "t", partitions: [.init(timestamp: timestamp)])]),
            version: version)
        return try #require(answer.topics.first?.partitions.first)
    }

    @Test("every special timestamp by version")
    func special() throws {
        let bench = Bench()
        bench.cluster.createTopic("t")
        let client = try bench.client()
        #expect(try ask(client, -3).offset == -1, "the largest timestamp of nothing")
        try bench.cluster.append("t", numbered(0..<10), now: bench.now)
        let producer = DevProducer(id: 3, isTransactional: true)
        try bench.cluster.append("t", numbered(10..<12), producer: producer, now: bench.now)
        bench.cluster.deleteRecords("t", before: 4)
        #expect(try ask(client, -1).offset == 12)
        #expect(try ask(client, -1, committed: true).offset == 10)
        #expect(try ask(client, -1, version: 1, committed: true).offset == 12)
        #expect(try ask(client, -2).offset == 4)
        #expect(try ask(client, -4).offset == 4)
        #expect(try ask(client, -5).offset == -1)
        for (timestamp, first) in [(Int64(-3), 7), (-4, 8), (-5, 9)] {
            let old = try ask(client, timestamp, version: Int16(first - 1))
            #expect(old.errorCode == 35)
            #expect(try ask(client, timestamp, version: Int16(first)).errorCode == 0)
        }
        #expect(try ask(client, -7).errorCode == 35)
    }

    @Test("by time, within compressed batches too", arguments: Codec.allCases)
    func byTime(_ codec: Codec) throws {
        let bench = Bench()
        bench.cluster.createTopic("t")
        let client = try bench.client()
        // Times 1000, 1100, ...; the last batch goes back in time.
        for base in stride(from: 0, to: 30, by: 10) {
            let records = (base..<base + 10).map {
                DevRecord("v", timestamp: Int64(base == 20 ? 500 : 1000 + 100 * $0))
            }
            try bench.cluster.append("t", records, codec: codec, now: bench.now)
        }
        func look(_ timestamp: Int64) throws -> [Int64] {
            let found = try ask(client, timestamp)
            return [found.offset, found.timestamp]
        }
        #expect(try look(0) == [0, 1000])
        #expect(try look(1000) == [0, 1000])
        #expect(try look(1001) == [1, 1100])
        #expect(try look(2000) == [10, 2000])
        #expect(try look(2900) == [19, 2900])
        #expect(try look(2901) == [-1, -1])
        #expect(try look(-3) == [19, 2900])
        bench.cluster.deleteRecords("t", before: 5)
        #expect(try look(0) == [5, 1500])
    }

    @Test("leader epochs: fenced, unknown, and told")
    func epochs() throws {
        let bench = Bench { $0.brokers = 2 }
        bench.cluster.createTopic("t")
        let first = try #require(bench.cluster.leader("t", 0))
        try bench.cluster.append("t", numbered(0..<3), now: bench.now)
        bench.cluster.moveLeader("t", 0, to: 3 - first, now: bench.now)
        try bench.cluster.append("t", numbered(3..<5), now: bench.now)
        let client = try bench.client(of: 3 - first)
        func ask(_ epoch: Int32) throws -> ListOffsetsResponse.Partition {
            let answer = try client.ask(
                ListOffsetsRequest(
                    topics: [
                        .init(
                            name: "t",
                            partitions: [.init(currentLeaderEpoch: epoch, timestamp: -2)])
                    ]),
                version: 9)
            return try #require(answer.topics.first?.partitions.first)
        }
        #expect(try ask(0).errorCode == 74)
        #expect(try ask(2).errorCode == 75)
        #expect(try ask(1).offset == 0)
        #expect(try ask(1).leaderEpoch == 0, "of the record, not of the leader")
        let other = try bench.client(of: first)
        #expect(try self.ask(other, -1).errorCode == 6)
    }
}
