import Bytes
import DevBroker
import KafkaProtocol
import Testing

@Suite struct FetchTests {
    /// Ten batches of ten records each.
    private func bench() throws -> (Bench, BenchClient) {
        let bench = Bench()
        bench.cluster.createTopic("t", partitions: 2)
        for base in stride(from: 0, to: 100, by: 10) {
            try bench.cluster.append("t", numbered(base..<base + 10), now: bench.now)
        }
        return (bench, try bench.client())
    }

    @Test(
        "Trap 1: a fetch begins with the batch that holds the offset", arguments: [4, 11, 12, 17])
    func beginsBefore(_ version: Int) throws {
        let (_, client) = try bench()
        let fetched = try client.fetch(.init(topic: "t", offset: 57), version: Int16(version))
        #expect(try fetched.first.highWatermark == 100)
        #expect(try fetched.first.logStartOffset == (version >= 5 ? 0 : -1))
        #expect(try fetched.batches().first == 50...59)
        #expect(try fetched.batches().last == 90...99)
    }

    @Test("Trap 3: the last batch is cut at the limit")
    func cut() throws {
        let (bench, client) = try bench()
        let size = try #require(bench.cluster.storedBytes("t")).count / 10
        let limit = Int32(size * 2 + size / 2)
        let fetched = try client.fetch(.init(topic: "t", offset: 0, maxBytes: limit))
        #expect(fetched.bytes().count == Int(limit))
        #expect(try fetched.batches() == [0...9, 10...19])
    }

    @Test("Trap 4: a batch over the limit comes whole in the first partition, not in others")
    func tooLarge() throws {
        let (bench, client) = try bench()
        try bench.cluster.append("t", partition: 1, numbered(0..<10, size: 1000), now: bench.now)
        let first = try client.fetch(
            .init(topic: "t", partition: 1, offset: 3, maxBytes: 100),
            .init(topic: "t", partition: 0, offset: 0, maxBytes: 100))
        #expect(try first.batches(0) == [0...9])
        #expect(first.partitions[1].errorCode == 0)
        #expect(first.bytes(1).isEmpty)
        let small = try client.fetch(
            .init(topic: "t", partition: 0, offset: 0),
            .init(topic: "t", partition: 1, offset: 0, maxBytes: 100))
        #expect(try small.batches(0).count == 10)
        #expect(small.partitions[1].errorCode == 0)
        #expect(small.partitions[1].highWatermark == 10)
        #expect(small.bytes(1).isEmpty)
    }

    @Test("the limit of the response holds over all partitions, but for one batch")
    func responseLimit() throws {
        let (_, client) = try bench()
        let fetched = try client.fetch(
            .init(topic: "t", offset: 0), .init(topic: "t", partition: 1, offset: 0), maxBytes: 1)
        #expect(try fetched.batches(0) == [0...9])
    }

    @Test("offsets outside of the log are refused, the end is not")
    func range() throws {
        let (bench, client) = try bench()
        bench.cluster.deleteRecords("t", before: 15)
        for (offset, code) in [(14, 1), (101, 1), (-1, 1), (15, 0), (100, 0)] {
            let fetched = try client.fetch(.init(topic: "t", offset: Int64(offset)))
            #expect(try fetched.first.errorCode == Int16(code))
            if code == 1 { #expect(try fetched.first.highWatermark == -1) }
        }
        let kept = try client.fetch(.init(topic: "t", offset: 15))
        // The batch around the log start is still there as a whole.
        #expect(try kept.batches().first == 10...19)
        #expect(try kept.first.logStartOffset == 15)
    }

    @Test("nothing beyond the high watermark is read, and asking for it is no error")
    func highWatermark() throws {
        let (bench, client) = try bench()
        bench.cluster.holdHighWatermark("t", at: 50, now: bench.now)
        #expect(try client.fetch(.init(topic: "t", offset: 40)).batches() == [40...49])
        let beyond = try client.fetch(.init(topic: "t", offset: 70))
        #expect(try beyond.first.errorCode == 0)
        #expect(try beyond.first.highWatermark == 50)
        #expect(beyond.bytes().isEmpty)
    }

    @Test("a long poll ends when there are enough bytes, or when its time is over")
    func longPoll() throws {
        let (bench, client) = try bench()
        let ask = [BenchClient.Ask(topic: "t", offset: 100)]
        client.send(client.fetchRequest(ask, version: 17, maxWait: 500), version: 17)
        bench.pass(milliseconds: 499)
        #expect(client.waitingFrames == 0)
        try bench.cluster.append("t", numbered(100..<101), now: bench.now)
        bench.perform()
        #expect(try Fetched(client, version: 17).batches() == [100...100])

        client.send(
            client.fetchRequest(ask, version: 17, maxWait: 500, minBytes: 10_000), version: 17)
        bench.pass(milliseconds: 499)
        #expect(client.waitingFrames == 0)
        bench.pass(milliseconds: 1)
        #expect(try Fetched(client, version: 17).batches() == [100...100])
    }

    @Test("Trap 29: what stands behind a long poll waits")
    func oneAtATime() throws {
        let (bench, client) = try bench()
        let ask = [BenchClient.Ask(topic: "t", offset: 100)]
        client.send(client.fetchRequest(ask, version: 17, maxWait: 300), version: 17)
        client.send(MetadataRequest(topics: nil), version: 12)
        #expect(client.waitingFrames == 0)
        bench.pass(milliseconds: 300)
        #expect(try Fetched(client, version: 17).first.errorCode == 0)
        #expect(try client.answer(MetadataResponse.self, version: 12).topics.count == 1)
    }

    @Test("unknown topics, ids and partitions have their errors")
    func unknown() throws {
        let (_, client) = try bench()
        #expect(try client.fetch(.init(topic: "x", offset: 0), version: 12).first.errorCode == 3)
        #expect(
            try client.fetch(.init(topic: "t", partition: 9, offset: 0), version: 12)
                .first.errorCode == 3)
        var request = client.fetchRequest([.init(topic: "t", offset: 0)], version: 17)
        request.topics[0].topicID = KafkaUUID(high: 1, low: 2)
        #expect(try client.fetch(request, version: 17).first.errorCode == 100)
    }

    @Test("a request cut into single bytes is the same request")
    func chunks() throws {
        let (bench, client) = try bench()
        var frame: [UInt8] = []
        for version in [Int16(12), 17] {
            var writer = Bytes.ByteWriter()
            client.fetchRequest([.init(topic: "t", offset: 5)], version: version).encodeFrame(
                &writer, version: version, correlationID: 7, clientID: nil)
            frame += writer.array
        }
        for byte in frame {
            withUnsafeBytes(of: byte) { bench.cluster.receive(client.id, $0, now: bench.now) }
        }
        bench.perform()
        #expect(try Fetched(client, version: 12).batches().first == 0...9)
        #expect(try Fetched(client, version: 17).batches().first == 0...9)
    }
}
