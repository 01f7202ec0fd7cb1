import Bytes
import Compression
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing

/// What a broker answers to producers beside "stored".
@Suite struct ProducerRuleTests {
    private func bench(
        _ profile: BrokerProfile = .kafka4_1, _ settings: TopicSettings = TopicSettings()
    ) throws -> (Bench, BenchClient) {
        let bench = Bench { $0.profile = profile }
        bench.cluster.createTopic("t", settings: settings)
        return (bench, try bench.client())
    }

    private func produce(
        _ client: BenchClient, sequence: Int32, count: Int = 2, epoch: Int16 = 0,
        version: Int16 = 7
    ) throws -> ProduceResponse.Partition {
        let producer = DevProducer(id: 7, epoch: epoch, sequence: sequence)
        let values = (0..<count).map { "\($0)" }
        return try client.produce("t", batch(values, producer: producer), version: version)
    }

    @Test("acks are -1, 0 or 1")
    func acks() throws {
        let (_, client) = try bench()
        #expect(try client.produce("t", batch(["a"]), acks: 2).errorCode == 21)
        #expect(try client.produce("t", batch(["a"]), acks: 1).errorCode == 0)
    }

    @Test("too few replicas in sync refuse acks -1 and no other")
    func replicas() throws {
        let bench = Bench { $0.brokers = 3 }
        var settings = TopicSettings()
        settings.inSyncReplicasMin = 3
        bench.cluster.createTopic("t", settings: settings)
        let leader = try #require(bench.cluster.leader("t", 0))
        let client = try bench.client(of: leader)
        #expect(try client.produce("t", batch(["a"])).errorCode == 0)
        bench.cluster.takeDown(leader % 3 + 1, now: bench.now)
        bench.perform()
        #expect(try client.produce("t", batch(["a"])).errorCode == 19)
        #expect(try client.produce("t", batch(["a"]), acks: 1).errorCode == 0)
        #expect(bench.cluster.logEnd("t") == 2)
    }

    @Test(
        "a compacted topic names the records that have no key",
        arguments: [Codec.none, .gzip, .zstd])
    func keys(_ codec: Codec) throws {
        var settings = TopicSettings()
        settings.cleanupPolicy = "compact,delete"
        let (bench, client) = try bench(.kafka4_1, settings)
        func set(_ keys: [[UInt8]?]) throws -> [UInt8] {
            var writer = RecordBatchWriter()
            for key in keys { writer.append(key: key, value: [1], timestamp: 1) }
            var output = ByteWriter()
            writer.finish(
                &output, compressionCode: codec.rawValue,
                compress: { (try? codec.compress($0)) ?? [] })
            return output.array
        }
        let answer = try client.produce("t", try set([[1], nil, [], nil]))
        #expect(answer.errorCode == 87 && answer.baseOffset == -1)
        #expect(answer.recordErrors.map(\.batchIndex) == [1, 3])
        #expect(answer.recordErrors[0].batchIndexErrorMessage?.contains("without key") == true)
        #expect(answer.errorMessage?.contains("2 record errors") == true)
        // Version 7 has no place for them.
        #expect(try client.produce("t", try set([nil]), version: 7).recordErrors.isEmpty)
        #expect(try client.produce("t", try set([[1], []])).errorCode == 0)
        #expect(bench.cluster.logEnd("t") == 2)
    }

    @Test("a batch beyond the topic's limit is refused, whatever the broker's")
    func size() throws {
        var settings = TopicSettings()
        settings.messageBytesMax = 200
        let (_, client) = try bench(.kafka4_1, settings)
        #expect(try client.produce("t", batch(["a"])).errorCode == 0)
        let long = String(repeating: "x", count: 200)
        #expect(try client.produce("t", batch([long])).errorCode == 10)
    }

    @Test(
        "a release before 2.5 refuses a producer whose records are gone, and says where it begins")
    func unknownProducer() throws {
        let (bench, client) = try bench(.kafka2_1)
        #expect(try produce(client, sequence: 0).errorCode == 0)
        bench.cluster.deleteRecords("t", 0, before: 2)
        let refused = try produce(client, sequence: 2)
        #expect(refused.errorCode == 59 && refused.logStartOffset == 2)
        // From 0 on it begins anew.
        #expect(try produce(client, sequence: 0).errorCode == 0)
        #expect(try produce(client, sequence: 2).errorCode == 0)
        bench.cluster.forgetProducers("t")
        #expect(try produce(client, sequence: 4).errorCode == 59)
    }

    @Test("a release after it takes any sequence of a producer that it has forgotten")
    func forgotten() throws {
        let (bench, client) = try bench(.kafka2_8)
        #expect(try produce(client, sequence: 0).errorCode == 0)
        bench.cluster.deleteRecords("t", 0, before: 2)
        #expect(try produce(client, sequence: 4).errorCode == 45)
        bench.cluster.forgetProducers("t")
        #expect(try produce(client, sequence: 4).errorCode == 0)
    }

    @Test("a wrong sequence or epoch is refused with the start of the log")
    func startOffset() throws {
        let (bench, client) = try bench()
        #expect(try produce(client, sequence: 0, epoch: 1).errorCode == 0)
        bench.cluster.deleteRecords("t", 0, before: 1)
        let gap = try produce(client, sequence: 9, epoch: 1)
        #expect(gap.errorCode == 45 && gap.logStartOffset == 1)
        let old = try produce(client, sequence: 2, epoch: 0)
        #expect(old.errorCode == 47 && old.logStartOffset == 1)
    }

    @Test("an error behind the work: stored all the same, and a duplicate when it comes again")
    func errorAfter() throws {
        let (bench, client) = try bench()
        bench.cluster.inject(Fault(.errorAfter(7), apiKey: 0, times: 2))
        let first = try produce(client, sequence: 0)
        #expect(first.errorCode == 7 && first.baseOffset == -1)
        #expect(bench.cluster.logEnd("t") == 2)
        #expect(try produce(client, sequence: 0).errorCode == 7)
        let third = try produce(client, sequence: 0)
        #expect(third.errorCode == 0 && third.baseOffset == 0)
        #expect(bench.cluster.logEnd("t") == 2)
    }

    @Test("an answer that is dropped behind the append leaves the records there")
    func dropped() throws {
        let (bench, client) = try bench()
        bench.cluster.inject(Fault(.close, apiKey: 0))
        client.sendProduce("t", batch(["a"]))
        #expect(client.isHungUp && bench.cluster.logEnd("t") == 1)
    }

    @Test("the old leader names the new one and where it lives", arguments: [9, 10, 13])
    func leaderHint(_ version: Int) throws {
        let bench = Bench { $0.brokers = 2 }
        bench.cluster.createTopic("t")
        let leader = try #require(bench.cluster.leader("t", 0))
        let client = try bench.client(of: leader)
        #expect(bench.cluster.moveLeader("t", 0, to: 3 - leader, now: bench.now))
        client.sendProduce("t", batch(["a"]), version: Int16(version))
        let answer = try client.answer(ProduceResponse.self, version: Int16(version))
        let partition = try #require(answer.responses.first?.partitionResponses.first)
        #expect(partition.errorCode == 6 && partition.logStartOffset == -1)
        #expect(partition.currentLeader?.leaderID == (version >= 10 ? 3 - leader : nil))
        #expect(answer.nodeEndpoints.map(\.nodeID) == (version >= 10 ? [3 - leader] : []))
    }

    @Test("a produce quota: the answer says how long, and the connection is muted for as long")
    func produceQuota() throws {
        let (bench, client) = try bench()
        bench.cluster.setProduceQuota(bytesPerSecond: 1000)
        func throttle() throws -> Int32 {
            client.sendProduce("t", batch([String(repeating: "x", count: 800)]), version: 9)
            return try client.answer(ProduceResponse.self, version: 9).throttleTimeMilliseconds
        }
        #expect(try throttle() == 0)
        let second = try throttle()
        #expect((600...900).contains(second))
        client.send(MetadataRequest(topics: []), version: 8)
        #expect(client.waitingFrames == 0)
        bench.pass(milliseconds: Int64(second) - 1)
        #expect(client.waitingFrames == 0)
        bench.pass(milliseconds: 1)
        #expect(try client.answer(MetadataResponse.self, version: 8).throttleTimeMilliseconds == 0)
        // Without an answer the connection is muted all the same.
        client.sendProduce("t", batch([String(repeating: "x", count: 800)]), acks: 0)
        client.send(MetadataRequest(topics: []), version: 8)
        #expect(client.waitingFrames == 0)
        bench.cluster.setProduceQuota(bytesPerSecond: nil)
        bench.pass(milliseconds: 2000)
        #expect(client.waitingFrames == 1)
    }

    @Test("a request quota counts every request of a client id")
    func requestQuota() throws {
        let (bench, client) = try bench()
        bench.cluster.setRequestQuota(perSecond: 2)
        func throttle() throws -> Int32 {
            try client.ask(MetadataRequest(topics: []), version: 8).throttleTimeMilliseconds
        }
        #expect(try throttle() == 0)
        #expect(try throttle() == 0)
        #expect(try throttle() == 500)
        bench.pass(milliseconds: 500)
        #expect(try throttle() == 500)
    }
}
