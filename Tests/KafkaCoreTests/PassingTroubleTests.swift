import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Answers that are no answers yet: the same question gets a better one later, or elsewhere.
@Suite struct PassingTroubleTests {
    private func filled(
        brokers: Int = 1,
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World(brokers: brokers, adjust)
        world.server.createTopic("t")
        try world.fill("t", 0, 20, batch: 5)
        return world
    }

    @Test("A broker's own trouble passes", arguments: [1, 2] as [Int16])
    func unknownServerError(_ apiKey: Int16) throws {
        let world = try filled()
        world.server.inject(Fault(.error(-1), apiKey: apiKey, topic: "t", times: 3))
        if apiKey == 1 {
            let live = world.read("t", at: 5, wait: .max)
            #expect(try world.offsets(world.outcome(live))?.first == 5)
        } else {
            #expect(try world.offset(world.list("t", 0, -1))?.get().offset == 20)
        }
        #expect(world.client.counters.errors[-1] == 3)
    }

    @Test(
        "An epoch that the leader does not know may be one of another log",
        arguments: [1, 2] as [Int16])
    func unknownLeaderEpoch(_ apiKey: Int16) throws {
        let world = try filled()
        _ = try world.offset(world.list("t", 0, -1))?.get()
        let before = world.count(3)
        world.server.inject(Fault(.error(75), apiKey: apiKey, topic: "t", times: 4))
        if apiKey == 1 {
            #expect(try world.offsets(world.outcome(world.read("t", at: 5)))?.first == 5)
        } else {
            #expect(try world.offset(world.list("t", 0, -1))?.get().offset == 20)
        }
        #expect(world.count(3) > before)
    }

    @Test("A broker that knows of no brokers has only just started")
    func emptyMetadata() throws {
        let world = try filled(brokers: 2)
        var answers = 0
        world.answer = { _, header, _ in
            guard header.apiKey == 3, answers < 3 else { return nil }
            answers += 1
            let response = MetadataResponse(
                brokers: [], topics: [MetadataResponse.Topic(errorCode: 3, name: "t")])
            return .frame(
                Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
        }
        #expect(try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0)
        #expect(answers == 3)
        // Later too: what is known stays known.
        answers = 0
        let live = world.read("t", at: 20, wait: .max)
        world.run(1_000)
        world.change { server, _ in server.closeConnections() }
        world.run(100)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(live)) == [20])
    }

    @Test("A subscription reads a broken batch once more, and is told if it stays so")
    func corruption() throws {
        let world = try filled()
        world.server.inject(Fault(.damage(.checksum), apiKey: 1, topic: "t", times: 1))
        #expect(try world.offsets(world.outcome(world.read("t", at: 0, wait: .max)))?.first == 0)
        let other = try filled()
        other.server.inject(Fault(.damage(.checksum), apiKey: 1, topic: "t", times: 100))
        let failure = other.failure(other.outcome(other.read("t", at: 0, wait: .max)))
        #expect(failure?.text == "CORRUPT_MESSAGE")
        #expect(other.count(1) == 2)
    }

    @Test("KIP-219: an answer without partitions says wait, not ask for more")
    func throttledAnswers() throws {
        let world = try filled { server, _ in server.profile = .kafka2_8 }
        var asked: [Int32] = []
        world.answer = { _, header, reader in
            guard header.apiKey == 1, asked.count < 6,
                let request = try? FetchRequest.decode(&reader, version: header.apiVersion)
            else { return nil }
            asked.append(request.maxBytes)
            let response = FetchResponse(throttleTimeMilliseconds: 200)
            return .frame(
                Frames.response(header) { writer in
                    let none = UnsafeRawBufferPointer(start: nil, count: 0)
                    response.encode(&writer, version: header.apiVersion, records: none)
                })
        }
        let token = world.read("t", at: 0, maxBytes: 1_000)
        #expect(try world.offsets(world.outcome(token))?.first == 0)
        #expect(asked.count == 6)
        #expect(Set(asked).count == 1)
    }

    @Test("Whoever waits for a leader that cannot be reached is told why")
    func unreachableLeader() throws {
        let world = try filled()
        world.server.advertise(.init(host: "127.0.0.1", port: 4), broker: 1)
        let read = world.read("t", at: 0)
        let look = world.list("t", 0, -1)
        #expect(world.failure(world.outcome(read))?.text == "connection refused")
        guard case .failure(let failure) = world.offset(look) else {
            Issue.record("an offset from nowhere")
            return
        }
        #expect(failure.text == "connection refused")
    }

    /// What metadata says of a partition that nobody leads.
    enum Leaderless: CaseIterable {
        case partitionError, topicError, unknownBroker

        var topic: MetadataResponse.Topic {
            switch self {
            case .partitionError:
                .init(name: "t", partitions: [.init(errorCode: 5, partitionIndex: 0, leaderID: -1)])
            case .topicError: .init(errorCode: 5, name: "t")
            case .unknownBroker: .init(name: "t", partitions: [.init(leaderID: 77)])
            }
        }

        var cause: String {
            self == .unknownBroker ? "leader 77 is not among the brokers" : "LEADER_NOT_AVAILABLE"
        }
    }

    @Test("No leader is told as such, and the log says why", arguments: Leaderless.allCases)
    func leaderless(_ leaderless: Leaderless) throws {
        let world = try filled { _, client in client.requestTimeoutMilliseconds = 3_000 }
        world.answer = { _, header, _ in
            guard header.apiKey == 3 else { return nil }
            let response = MetadataResponse(
                brokers: [.init(nodeID: 1, host: "127.0.0.1", port: 9092)],
                topics: [leaderless.topic])
            return .frame(
                Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
        }
        let read = world.failure(world.outcome(world.read("t", at: 0)))
        #expect(read?.kind == .noLeader && read?.cause.contains(leaderless.cause) == true)
        guard case .failure(let look) = world.offset(world.list("t", 0, -1)) else {
            Issue.record("an offset without a leader")
            return
        }
        #expect(look.kind == .noLeader && look.cause.contains(leaderless.cause))
    }

    @Test("Offsets are looked up at the new leader when the old one is gone")
    func lookupsOfADeadLeader() throws {
        let world = try filled(brokers: 3)
        #expect(try world.offset(world.list("t", 0, -1))?.get().offset == 20)
        let leader = world.server.leader("t", 0) ?? 0
        world.change { $0.takeDown(leader, now: $1) }
        let start = world.now
        #expect(try world.offset(world.list("t", 0, -1))?.get().offset == 20)
        #expect(world.now < start.adding(milliseconds: 10_000))
    }

    @Test("Offsets are looked up at the new leader while the old one does not answer")
    func lookupsOfAFrozenLeader() throws {
        let world = try filled(brokers: 3) { _, client in
            client.requestTimeoutMilliseconds = 5_000
        }
        let first = world.list("t", 0, -1)
        #expect(try world.offset(first)?.get().offset == 20)
        let leader = world.server.leader("t", 0) ?? 0
        let other = world.server.brokerIDs.first { $0 != leader } ?? 0
        // Its connections end, new ones are accepted, and nothing is answered.
        world.change { server, _ in
            server.closeConnections(broker: leader)
            server.freeze(leader)
        }
        let stuck = world.list("t", 0, -1)
        world.run(1_000)
        world.change { $0.moveLeader("t", 0, to: other, now: $1) }
        // Whoever else wants to know of the topic.
        world.client.keeper.want(world.client.keeper.topic("t"))
        world.client.context.needFlush()
        #expect(try world.offset(stuck)?.get().offset == 20)
    }
}
