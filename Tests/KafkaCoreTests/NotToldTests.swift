import Bytes
import KafkaMirror
import KafkaProtocol
import Testing

@testable import KafkaCore

/// -1 where the protocol means "not told".
@Suite struct NotToldTests {
    /// Three records from a broker that tells `stable` for the last stable offset.
    private func world(stable: Int64, end: Int64 = 3) -> World {
        let world = World { server, _ in server.profile = .kafka2_8 }
        world.server.createTopic("t")
        world.answer = { _, header, _ in
            guard header.apiKey == FetchRequest.apiKey else { return nil }
            let records = TestBatch.plain(0, 3).bytes
            let partition = FetchResponse.Partition(
                highWatermark: end, lastStableOffset: stable, logStartOffset: -1,
                records: KafkaBytes(offset: 0, count: records.count))
            let response = FetchResponse(responses: [
                FetchResponse.Topic(topic: "t", partitions: [partition])
            ])
            return .frame(
                Frames.response(header) { writer in
                    records.withUnsafeBytes {
                        response.encode(&writer, version: header.apiVersion, records: $0)
                    }
                })
        }
        return world
    }

    @Test("Without a last stable offset the high watermark bounds a committed reader")
    func lastStableOffset() throws {
        let untold = world(stable: -1)
        let outcome = untold.outcome(untold.read("t", at: 0, .readCommitted, wait: .max))
        #expect(try untold.offsets(outcome) == [0, 1, 2])
        guard case .records(let slice) = outcome else { return }
        #expect(slice.position.lastStableOffset == -1 && slice.position.highWatermark == 3)
        let bounded = world(stable: -1, end: 2)
        #expect(
            try bounded.offsets(bounded.outcome(bounded.read("t", at: 0, .readCommitted)))
                == [0, 1])
        let told = world(stable: 1)
        #expect(try told.offsets(told.outcome(told.read("t", at: 0, .readCommitted))) == [0])
    }

    @Test("What an uncommitted read was not told is not made up for a committed one")
    func uncommitted() throws {
        let world = world(stable: -1)
        #expect(try world.offsets(world.outcome(world.read("t", at: 0))) == [0, 1, 2])
        let partition = try #require(world.client.keeper.topic("t").partitions[0])
        #expect(world.client.desk.state.reads(of: partition).log.lastStableOffset == -1)
    }

    @Test(
        "An end or a beginning of the log that is not told is asked for again", arguments: [-1, -2])
    func listedOffset(_ timestamp: Int64) throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 7)
        var untold = 3
        world.answer = { _, header, _ in
            guard header.apiKey == ListOffsetsRequest.apiKey, untold > 0 else { return nil }
            untold -= 1
            return self.listed(header, untold == 1 ? -7 : -1)
        }
        let listed = try #require(world.offset(world.list("t", 0, timestamp)))
        #expect(try listed.get().offset == (timestamp == -1 ? 7 : 0))
        #expect(untold == 0)
        #expect(world.count(ListOffsetsRequest.apiKey) == 4)
    }

    @Test("If it is never told, the look-up ends with the reason, after few requests")
    func neverTold() throws {
        let world = World()
        world.server.createTopic("t")
        world.answer = { _, header, _ in
            header.apiKey == ListOffsetsRequest.apiKey ? self.listed(header, -1) : nil
        }
        guard case .failure(let failure) = world.offset(world.list("t", 0, -1)) else {
            Issue.record("an offset from nowhere")
            return
        }
        #expect(failure.text == "OFFSET_NOT_AVAILABLE" && failure.isRetriable)
        #expect(world.count(ListOffsetsRequest.apiKey) < 40)
    }

    @Test("That no record is as late is an answer")
    func noRecord() throws {
        let world = World()
        world.server.createTopic("t")
        world.answer = { _, header, _ in
            header.apiKey == ListOffsetsRequest.apiKey ? self.listed(header, -1) : nil
        }
        for timestamp in [0, 1 << 40, -3] as [Int64] {
            #expect(try world.offset(world.list("t", 0, timestamp))?.get().offset == -1)
        }
    }

    private func listed(_ header: RequestHeader, _ offset: Int64) -> World.Answer {
        let partition = ListOffsetsResponse.Partition(timestamp: -1, offset: offset)
        let response = ListOffsetsResponse(topics: [
            ListOffsetsResponse.Topic(name: "t", partitions: [partition])
        ])
        return .frame(
            Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
    }
}
