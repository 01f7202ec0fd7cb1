import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing

/// Brokers, leaders, topics, versions and faults.
@Suite struct ClusterTests {
    @Test("ApiVersions by profile", arguments: BrokerProfile.allCases)
    func versions(_ profile: BrokerProfile) throws {
        let bench = Bench { $0.profile = profile }
        let client = try bench.client()
        let answer = try client.ask(ApiVersionsRequest(), version: 0)
        let fetch = try #require(answer.apiKeys.first { $0.apiKey == 1 })
        let highest: [BrokerProfile: Int16] = [
            .kafka2_1: 10, .kafka2_8: 12, .kafka3_9: 17, .kafka4_1: 18,
        ]
        #expect(fetch.maxVersion == highest[profile])
        #expect(fetch.minVersion == (profile == .kafka4_1 ? 4 : 0))
        #expect(answer.apiKeys.map(\.apiKey) == answer.apiKeys.map(\.apiKey).sorted())
        // What is not advertised ends the connection.
        client.send(MetadataRequest(), version: (highest[profile] ?? 0) + 40)
        #expect(client.isHungUp)
    }

    @Test("an unknown version of ApiVersions is answered in the form of version 0")
    func unsupported() throws {
        let old = try Bench { $0.profile = .kafka2_1 }.client()
        old.send(
            ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), version: 4)
        #expect(try Array(old.frame().dropFirst(4)) == [0, 35, 0, 0, 0, 0])
        let newer = try Bench { $0.profile = .kafka2_8 }.client()
        newer.send(
            ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), version: 4)
        #expect(
            try Array(newer.frame().dropFirst(4)) == [0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 3])
    }

    @Test("metadata: topics by name and id, missing ones, creation only where it is allowed")
    func metadata() throws {
        let bench = Bench()
        bench.cluster.createTopic("t", partitions: 3)
        let client = try bench.client()
        let id = try #require(bench.cluster.topicID("t"))
        let byID = try client.ask(
            MetadataRequest(topics: [.init(topicID: id, name: nil)]), version: 12)
        #expect(byID.topics.first?.name == "t")
        #expect(byID.topics.first?.partitions.count == 3)
        func code(_ name: String, creates: Bool) throws -> Int16? {
            try client.ask(
                MetadataRequest(topics: [.init(name: name)], allowAutoTopicCreation: creates),
                version: 12
            ).topics.first?.errorCode
        }
        #expect(try code("x", creates: false) == 3)
        #expect(try code("no/name", creates: true) == 17)
        #expect(try code("x", creates: true) == 0)
        #expect(try code("x", creates: false) == 0)
        #expect(try client.ask(MetadataRequest(topics: nil), version: 12).topics.count == 2)
        #expect(try client.ask(MetadataRequest(topics: []), version: 12).topics.isEmpty)
    }

    @Test("a moved leader: old broker refuses with a hint, waiting readers are told at once")
    func moved() throws {
        let bench = Bench { $0.brokers = 3 }
        bench.cluster.createTopic("t")
        let old = try #require(bench.cluster.leader("t", 0))
        let new = old % 3 + 1
        let client = try bench.client(of: old)
        let ask = [BenchClient.Ask(topic: "t", offset: 0, leaderEpoch: 0)]
        client.send(client.fetchRequest(ask, version: 17, maxWait: 10_000), version: 17)
        #expect(client.waitingFrames == 0)
        #expect(bench.cluster.moveLeader("t", 0, to: new, now: bench.now))
        bench.perform()
        let told = try Fetched(client, version: 17)
        #expect(try told.first.errorCode == 6)
        #expect(try told.first.currentLeader == .init(leaderID: new, leaderEpoch: 1))
        #expect(told.response.nodeEndpoints.map(\.nodeID) == [new])
        let there = try bench.client(of: new)
        #expect(try there.fetch(.init(topic: "t", offset: 0, leaderEpoch: 0)).first.errorCode == 74)
        #expect(try there.fetch(.init(topic: "t", offset: 0, leaderEpoch: 2)).first.errorCode == 75)
        #expect(try there.fetch(.init(topic: "t", offset: 0, leaderEpoch: 1)).first.errorCode == 0)
    }

    @Test("a broker goes down and comes back")
    func downAndUp() throws {
        let bench = Bench { $0.brokers = 2 }
        bench.cluster.createTopic("t", partitions: 2)
        let client = try bench.client(of: 1)
        #expect(bench.cluster.takeDown(1, now: bench.now))
        bench.perform()
        #expect(client.isHungUp)
        #expect(bench.listening[1] == false)
        #expect(bench.cluster.open(broker: 1, now: bench.now) == nil)
        let other = try bench.client(of: 2)
        let metadata = try other.ask(MetadataRequest(topics: nil), version: 12)
        #expect(metadata.brokers.map(\.nodeID) == [2])
        #expect(metadata.topics.first?.partitions.map(\.leaderID) == [2, 2])
        #expect(bench.cluster.bringUp(1, now: bench.now))
        bench.perform()
        #expect(bench.listening[1] == true)
        _ = try bench.client(of: 1)
    }

    @Test("a frozen broker takes bytes and answers when it is thawed")
    func frozen() throws {
        let bench = Bench()
        let client = try bench.client()
        bench.cluster.freeze(1)
        client.send(MetadataRequest(topics: nil), version: 12)
        client.send(MetadataRequest(topics: nil), version: 12)
        #expect(client.waitingFrames == 0)
        bench.cluster.thaw(1, now: bench.now)
        bench.perform()
        #expect(client.waitingFrames == 2)
    }

    @Test("a truncated log: readers of the lost records are told where it diverged")
    func truncated() throws {
        let bench = Bench()
        bench.cluster.createTopic("t")
        try bench.cluster.append("t", numbered(0..<5), now: bench.now)
        try bench.cluster.append("t", numbered(5..<9), now: bench.now)
        #expect(bench.cluster.truncate("t", 0, to: 7, now: bench.now))
        // Whole batches go.
        #expect(bench.cluster.logEnd("t") == 5)
        try bench.cluster.append("t", numbered(5..<8), now: bench.now)
        let client = try bench.client()
        let diverged = try client.fetch(
            .init(topic: "t", offset: 9, leaderEpoch: 1, lastFetchedEpoch: 0))
        #expect(try diverged.first.errorCode == 1)
        let within = try client.fetch(
            .init(topic: "t", offset: 7, leaderEpoch: 1, lastFetchedEpoch: 0))
        #expect(try within.first.divergingEpoch == .init(epoch: 0, endOffset: 5))
        let good = try client.fetch(
            .init(topic: "t", offset: 5, leaderEpoch: 1, lastFetchedEpoch: 0))
        #expect(try good.batches() == [5...7])
        let answer = try client.ask(
            OffsetForLeaderEpochRequest(
                replicaID: -1,
                topics: [
                    .init(topic: "t", partitions: [.init(currentLeaderEpoch: 1, leaderEpoch: 0)])
                ]),
            version: 4)
        #expect(answer.topics.first?.partitions.first?.endOffset == 5)
    }

    @Test("a topic made again has another id; its readers get an error")
    func recreated() throws {
        let bench = Bench()
        bench.cluster.createTopic("t")
        try bench.cluster.append("t", numbered(0..<5), now: bench.now)
        let client = try bench.client()
        let request = client.fetchRequest(
            [.init(topic: "t", offset: 5)], version: 17, maxWait: 5000, session: (0, 0))
        client.send(request, version: 17)
        #expect(bench.cluster.recreateTopic("t", now: bench.now))
        bench.perform()
        #expect(try Fetched(client, version: 17).first.errorCode == 100)
        #expect(bench.cluster.logEnd("t") == 0)
    }

    @Test("compaction leaves gaps, and the last batch even if it is empty")
    func compaction() throws {
        let bench = Bench()
        bench.cluster.createTopic("t")
        for base in stride(from: 0, to: 30, by: 10) {
            let records = (0..<10).map { DevRecord("\(base + $0)", key: "\($0)") }
            try bench.cluster.append(
                "t", base == 20 ? Array(records.prefix(9)) : records, codec: .gzip, now: bench.now)
        }
        try bench.cluster.compact("t")
        let client = try bench.client()
        let fetched = try client.fetch(.init(topic: "t", offset: 0))
        // Offset 19 is the last of its key; its batch keeps its range.
        #expect(try fetched.batches() == [10...19, 20...28])
        #expect(bench.cluster.logStart("t") == 0)
        #expect(bench.cluster.logEnd("t") == 29)
    }

    @Test("faults: errors, delays, silence, hang-ups, cuts, other correlation ids, throttling")
    func faults() throws {
        let bench = Bench()
        bench.cluster.createTopic("t", partitions: 2)
        let client = try bench.client()
        bench.cluster.inject(Fault(.error(6), apiKey: 1, topic: "t", partition: 1, times: 2))
        let asks = [
            BenchClient.Ask(topic: "t", offset: 0),
            BenchClient.Ask(topic: "t", partition: 1, offset: 0),
        ]
        func codes() throws -> [Int16] {
            try client.fetch(client.fetchRequest(asks, version: 17), version: 17)
                .partitions.map(\.errorCode)
        }
        #expect(try client.fetch(.init(topic: "t", offset: 0)).first.errorCode == 0)
        #expect(try codes() == [0, 6])
        #expect(try codes() == [0, 6])
        #expect(try codes() == [0, 0])

        bench.cluster.inject(Fault(.delay(milliseconds: 50), apiKey: 3))
        client.send(MetadataRequest(topics: nil), version: 12)
        client.send(MetadataRequest(topics: nil), version: 12)
        bench.pass(milliseconds: 49)
        #expect(client.waitingFrames == 0)
        bench.pass(milliseconds: 1)
        #expect(client.waitingFrames == 2)
        bench.frames[client.id] = []

        bench.cluster.inject(Fault(.throttle(milliseconds: 70), apiKey: 3))
        let told = try client.ask(MetadataRequest(topics: nil), version: 12)
        #expect(told.throttleTimeMilliseconds == 70)
        client.send(MetadataRequest(topics: nil), version: 12)
        bench.pass(milliseconds: 69)
        #expect(client.waitingFrames == 0)
        bench.pass(milliseconds: 1)
        #expect(client.waitingFrames == 1)
        bench.frames[client.id] = []

        bench.cluster.inject(Fault(.wrongCorrelation, apiKey: 3))
        client.send(MetadataRequest(topics: nil), version: 12)
        let good = try bench.client()
        good.send(MetadataRequest(topics: nil), version: 12)
        #expect(try client.frame()[3] != good.frame()[3])

        for action in [Fault.Action.close, .cut(bytes: 7)] {
            let victim = try bench.client()
            bench.cluster.inject(Fault(action, apiKey: 3))
            victim.send(MetadataRequest(topics: nil), version: 12)
            #expect(victim.isHungUp)
        }
        bench.cluster.inject(Fault(.silence, apiKey: 3))
        client.send(MetadataRequest(topics: nil), version: 12)
        bench.pass(milliseconds: 60_000)
        #expect(client.waitingFrames == 0)
        #expect(!client.isHungUp)
    }

    @Test("requests and connections are counted")
    func counters() throws {
        let bench = Bench { $0.brokers = 2 }
        let first = try bench.client(of: 1)
        let second = try bench.client(of: 1)
        for _ in 0..<3 { _ = try first.ask(MetadataRequest(topics: nil), version: 12) }
        _ = try second.ask(MetadataRequest(topics: nil), version: 12)
        bench.cluster.closed(second.id, now: bench.now)
        let counters = try #require(bench.cluster.counters(broker: 1))
        #expect(counters.requests == [3: 4])
        #expect(counters.connectionsOpened == 2)
        #expect(counters.connectionsOpen == 1)
        #expect(counters.connectionsOpenMax == 2)
        #expect(bench.cluster.requestCount(apiKey: 3) == 4)
        let open = bench.cluster.openConnections
        #expect(open.map(\.requests) == [[3: 3]])
        #expect(open.first?.clientID == "bench")
    }

    @Test("garbage ends the connection, nothing else")
    func garbage() throws {
        for frame: [UInt8] in [[], [1], [0, 3, 0, 12, 0, 0], [UInt8](repeating: 0xff, count: 40)] {
            let bench = Bench()
            let client = try bench.client()
            client.send(frame: frame)
            #expect(client.isHungUp)
            _ = try bench.client().ask(MetadataRequest(topics: nil), version: 12)
        }
        let bench = Bench()
        let client = try bench.client()
        [UInt8]([0x7f, 0xff, 0xff, 0xff]).withUnsafeBytes {
            bench.cluster.receive(client.id, $0, now: bench.now)
        }
        bench.perform()
        #expect(client.isHungUp)
    }

    @Test("requests with every byte cut off or changed trap nothing")
    func mutations() throws {
        let bench = Bench()
        bench.cluster.createTopic("t")
        try bench.cluster.append("t", numbered(0..<5), now: bench.now)
        let probe = try bench.client()
        var request = probe.fetchRequest(
            [.init(topic: "t", offset: 1)], version: 17, session: (0, 0))
        request.rackID = "rack"
        var writer = Bytes.ByteWriter()
        request.encodeFrame(&writer, version: 17, correlationID: 1, clientID: "x")
        let frame = Array(writer.array.dropFirst(4))
        for index in frame.indices {
            for value in [UInt8(0), 0x7f, 0x80, 0xff] {
                var changed = frame
                changed[index] = value
                try bench.client().send(frame: changed)
            }
            try bench.client().send(frame: Array(frame[..<index]))
        }
        #expect(try probe.fetch(.init(topic: "t", offset: 0)).batches() == [0...4])
    }
}
