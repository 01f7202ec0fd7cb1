import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// KIP-392: reading from a replica in one's own rack.
@Suite struct NearbyReplicaTests {
    /// Broker n stands in rack n; the client in that of a broker that does not lead.
    private struct Scene {
        let world: World
        let leader: Int32
        let near: Int32

        init(
            rack: Bool = true, _ adjust: @escaping (inout BrokerSettings) -> Void = { _ in }
        ) throws {
            // Of three brokers the first topic's first partition is led by the same one each time.
            let probe = World(brokers: 3)
            probe.server.createTopic("t", partitions: 1)
            let leader = try #require(probe.server.leader("t", 0))
            let near = leader % 3 + 1
            world = World(brokers: 3) { server, client in
                adjust(&server)
                if rack { client.rack = "rack-\(near)" }
            }
            world.server.createTopic("t", partitions: 1)
            try #require(world.server.leader("t", 0) == leader)
            for broker in world.server.brokerIDs {
                world.server.setRack("rack-\(broker)", broker: broker)
            }
            try world.fill("t", 0, 20, batch: 5)
            self.leader = leader
            self.near = near
        }

        func fetched(since first: Int = 0) -> [Int32] {
            world.requests[first...].filter { $0.key == 1 }.map(\.broker)
        }
    }

    @Test("records come from the replica that the leader names, and so does what is new")
    func nearby() throws {
        let scene = try Scene()
        let world = scene.world
        #expect(try world.offsets(world.outcome(world.read("t", at: 5)))?.first == 5)
        #expect(scene.fetched() == [scene.leader, scene.near])
        let first = world.requests.count
        let follower = world.read("t", at: 20, wait: .max)
        world.run(2_000)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 1_000)) == [20])
        #expect(Set(scene.fetched(since: first)) == [scene.near])
    }

    @Test("a follower at the end of the leader's log goes to the replica, too")
    func tailIsRedirected() throws {
        let scene = try Scene()
        let world = scene.world
        for broker in world.server.brokerIDs { world.server.setRack(nil, broker: broker) }
        let follower = world.read("t", at: 20, wait: .max)
        world.run(2_000)
        #expect(Set(scene.fetched()) == [scene.leader])
        for broker in world.server.brokerIDs {
            world.server.setRack("rack-\(broker)", broker: broker)
        }
        world.run(2_000)
        let first = world.requests.count
        world.run(2_000)
        #expect(Set(scene.fetched(since: first)) == [scene.near])
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 1_000)) == [20])
    }

    @Test("without a rack, and with brokers that know of none, leaders are read")
    func withoutRack() throws {
        let scene = try Scene(rack: false)
        _ = scene.world.outcome(scene.world.read("t", at: 5))
        #expect(Set(scene.fetched()) == [scene.leader])
        let old = try Scene { $0.profile = .kafka2_1 }
        _ = old.world.outcome(old.world.read("t", at: 5))
        #expect(Set(old.fetched()) == [old.leader])
    }

    @Test(
        "whatever is wrong at the replica, its leader serves, not told of the rack for a while",
        arguments: [1, 6, 29, 76, 78, 100] as [Int16])
    func replicaRefuses(_ code: Int16) throws {
        let scene = try Scene()
        let world = scene.world
        world.server.inject(
            Fault(.error(code), apiKey: 1, broker: scene.near, topic: "t", times: 100))
        #expect(try world.offsets(world.outcome(world.read("t", at: 5)))?.first == 5)
        #expect(scene.fetched() == [scene.leader, scene.near, scene.leader])
        let first = world.requests.count
        let follower = world.read("t", at: 20, wait: .max)
        world.run(5_000)
        #expect(Set(scene.fetched(since: first)) == [scene.leader])
        world.server.clearFaults()
        world.run(60_000)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 1_000)) == [20])
        let second = world.requests.count
        _ = world.outcome(world.read("t", at: 21))
        #expect(Set(scene.fetched(since: second)) == [scene.near])
    }

    @Test("a replica that is away, or silent, stops nobody", arguments: [false, true])
    func replicaIsAway(_ isSilent: Bool) throws {
        let scene = try Scene()
        let world = scene.world
        let follower = world.read("t", at: 20, wait: .max)
        world.run(2_000)
        world.change { server, now in
            if isSilent {
                server.freeze(scene.near)
            } else {
                server.takeDown(scene.near, now: now)
            }
        }
        world.run(100)
        let read = world.read("t", at: 0)
        #expect(try world.offsets(world.outcome(read, within: 4_000))?.first == 0)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 4_000)) == [20])
    }

    @Test("a leader in the same rack serves itself")
    func leaderIsNear() throws {
        let scene = try Scene()
        let world = scene.world
        world.server.setRack("rack-\(scene.near)", broker: scene.leader)
        world.server.setRack(nil, broker: scene.near)
        #expect(try world.offsets(world.outcome(world.read("t", at: 5)))?.first == 5)
        #expect(Set(scene.fetched()) == [scene.leader])
    }

    @Test("a node that nobody knows is not waited for: the leader is not told of the rack")
    func unknownNode() throws {
        let scene = try Scene { $0.profile = .kafka2_8 }
        let world = scene.world
        var named = 0
        world.answer = { _, header, reader in
            guard header.apiKey == FetchRequest.apiKey,
                let request = try? FetchRequest.decode(&reader, version: header.apiVersion),
                !request.rackID.isEmpty
            else { return nil }
            named += 1
            let partition = FetchResponse.Partition(
                highWatermark: 20, lastStableOffset: 20, logStartOffset: 0,
                preferredReadReplica: 77, records: KafkaBytes(offset: 0, count: 0))
            let response = FetchResponse(responses: [
                FetchResponse.Topic(topic: "t", partitions: [partition])
            ])
            return .frame(
                Frames.response(header) { writer in
                    let none = UnsafeRawBufferPointer(start: nil, count: 0)
                    response.encode(&writer, version: header.apiVersion, records: none)
                })
        }
        #expect(try world.offsets(world.outcome(world.read("t", at: 5)))?.first == 5)
        #expect(named == 1)
        #expect(Set(scene.fetched()) == [scene.leader])
    }

    @Test("an election ends it: the new leader says where to read")
    func election() throws {
        let scene = try Scene()
        let world = scene.world
        let follower = world.read("t", at: 20, wait: .max)
        world.run(2_000)
        world.change { _ = $0.moveLeader("t", 0, to: scene.near, now: $1) }
        world.run(2_000)
        let first = world.requests.count
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 1_000)) == [20])
        _ = world.outcome(world.read("t", at: 21))
        #expect(Set(scene.fetched(since: first)) == [scene.near])
    }

    @Test("the leader is asked again when what it said is old")
    func lease() throws {
        let scene = try Scene()
        let world = scene.world
        let follower = world.read("t", at: 20, wait: .max)
        world.run(2_000)
        // By now the leader stands nearest.
        world.server.setRack("rack-\(scene.near)", broker: scene.leader)
        world.server.setRack("elsewhere", broker: scene.near)
        world.run(world.client.settings.metadataMaxAgeMilliseconds + 2_000)
        let first = world.requests.count
        world.run(2_000)
        #expect(Set(scene.fetched(since: first)) == [scene.leader])
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 1_000)) == [20])
    }

    @Test("a replica that is behind takes nothing back")
    func laggingReplica() throws {
        let scene = try Scene()
        let world = scene.world
        #expect(try world.offsets(world.outcome(world.read("t", at: 15)))?.last == 19)
        world.run(10)
        world.change { $0.holdHighWatermark("t", 0, at: 12, now: $1) }
        let follower = world.read("t", at: 20, wait: .max)
        world.run(2_000)
        #expect(world.cache.byteCount > 0)
        world.change { $0.holdHighWatermark("t", 0, at: nil, now: $1) }
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 3_000)) == [20])
    }
}
