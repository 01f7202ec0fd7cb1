import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing

@testable import KafkaCore

/// What is over leaves nothing behind: topics, partitions and brokers know each other.
@Suite struct EndTests {
    private func filled(_ world: World) throws {
        world.server.createTopic("t", partitions: 2)
        for partition in 0..<2 as Range<Int32> { try world.fill("t", partition, 20) }
        _ = world.outcome(world.read("t", 0, at: 0))
    }

    @Test("A cluster that is shut down in the middle of everything is gone")
    func shutDown() throws {
        var world: World? = World(brokers: 2)
        try world.map(filled)
        // A poll is in flight; a look-up and a read are not even sent.
        world?.read("t", 1, at: 20, wait: .max)
        world?.run(2_000)
        weak let client = world?.client
        weak let topic = client?.keeper.knownTopic("t")
        weak let partition = topic?.partitions[1]
        weak let broker = partition?.leader
        weak let reads = partition.flatMap { client?.desk.state.partitions[$0] }
        weak let follow = reads?.follow(.readUncommitted)
        #expect(topic != nil && broker != nil && follow?.isPolled == true)
        _ = world?.list("t", 1, -1)
        world?.read("t", 0, at: 7, minBytes: 1 << 20, wait: 1_000)
        world?.shutDown()
        #expect(topic == nil && partition == nil && reads == nil && follow == nil)
        world = nil
        #expect(client == nil && broker == nil)
    }

    @Test("A topic that nobody has used for long is forgotten with its partitions")
    func forgotten() throws {
        let world = World { _, settings in settings.metadataMaxAgeMilliseconds = 1_000 }
        try filled(world)
        world.read("t", 1, at: 20, wait: 500)
        world.run(1_000)
        weak let topic = world.client.keeper.knownTopic("t")
        weak let partition = topic?.partitions[1]
        #expect(partition != nil)
        world.run(60_000)
        #expect(topic == nil && partition == nil)
        #expect(try world.offsets(world.outcome(world.read("t", at: 18))) == [18, 19])
    }

    @Test("What waits to be decoded when its cluster ends is no burden to the loop's others")
    func undecoded() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 1_000, batch: 100, valueBytes: 1_000)
        _ = world.metadata(["t"])
        world.run(1_000)
        world.read("t", at: 0)
        world.run { world.cache.outstandingReadBytes > 0 }
        world.isBusy = true
        world.run(1_000)
        #expect(world.cache.outstandingReadBytes > 0 && world.client.desk.hasWork)
        world.shutDown()
        #expect(world.cache.outstandingReadBytes == 0 && !world.client.desk.hasWork)
    }

    /// The broker has no room for fetch sessions, so nothing but the poll remembers the partition.
    @Test("A topic that is re-created while a poll of it is in flight")
    func recreatedDuringPoll() throws {
        let world = World { server, _ in server.fetchSessionSlots = 0 }
        try filled(world)
        let live = world.read("t", 0, at: 20, wait: .max)
        world.run(100)
        weak let partition = world.client.desk.state.partitions.all.first
        #expect(partition?.follow(.readUncommitted) != nil)
        let id = try #require(world.server.topicID("t"))
        var polls = 0
        world.answer = { _, header, _ in
            guard header.apiKey == FetchRequest.apiKey else { return nil }
            polls += 1
            guard polls == 1 else { return nil }
            let answer = FetchResponse(responses: [
                FetchResponse.Topic(
                    topicID: id,
                    partitions: [
                        FetchResponse.Partition(
                            partitionIndex: 0, highWatermark: 20, lastStableOffset: 20,
                            logStartOffset: 0)
                    ])
            ])
            let bytes = Frames.response(header) { writer in
                let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
                answer.encode(&writer, version: header.apiVersion, records: nothing)
            }
            return .late(milliseconds: 5_000, bytes)
        }
        world.run(1_000)
        #expect(polls == 1)
        world.change { _ = $0.recreateTopic("t", now: $1) }
        // To find a partition that is not there the topic is asked for again.
        _ = world.outcome(world.read("t", 9, at: 0))
        #expect(partition?.isAbandoned == true)
        world.run(10_000)
        #expect(partition == nil)
        #expect(world.failure(world.outcome(live))?.isOtherLog == true)
    }
}
