import DevBroker
import KafkaProducing
import Testing
import Timing

@testable import KafkaCore

@Suite struct ProducerPoolTests {
    private func isDelivered(_ world: World, _ tokens: Range<UInt64>) -> Bool {
        let results = world.results
        return tokens.allSatisfy { token in
            guard case .delivered? = results[token]?.first else { return false }
            return results[token]?.count == 1
        }
    }

    @Test(arguments: BrokerProfile.allCases, [Acknowledgement.none, .leader, .all])
    func recordsArriveOnceAndInOrder(
        _ profile: BrokerProfile, _ acks: Acknowledgement
    ) throws {
        let world = World(brokers: 3) { server, _ in server.profile = profile }
        world.server.createTopic("t", partitions: 3)
        let producer = world.producer {
            $0.acks = acks
            $0.isIdempotent = acks == .all
        }
        for token in 0..<300 as Range<UInt64> {
            #expect(world.produce(producer, "t", Int32(token % 3), token: token) == .accepted)
            if token % 50 == 0 { world.run(7) }
        }
        world.run { world.results.count == 300 }
        world.run(1_000)
        #expect(isDelivered(world, 0..<300))
        for partition in 0..<3 as Range<Int32> {
            let expected = (0..<300 as Range<UInt64>).filter { $0 % 3 == partition }
            #expect(try world.stored("t", partition) == expected)
        }
        for case .delivered(let offset, _) in world.reports.map(\.result) {
            #expect((offset >= 0) == (acks != .none))
        }
        #expect(world.count(22) == (acks == .all ? 1 : 0))
        #expect(world.areCounted)
    }

    @Test func equalSettingsShareAProducerUntilNobodyUsesIt() {
        let world = World()
        world.server.createTopic("t")
        let first = world.producer()
        #expect(world.producer() == first)
        #expect(world.producer { $0.lingerMilliseconds = 0 } != first)
        world.produce(first, "t", token: 1)
        world.run(50_000)
        #expect(world.producer() == first)
        world.run(200_000)
        #expect(world.client.producerCount == 0)
        #expect(world.producer() != first)
    }

    @Test func whatHasLeftIsSentToTheEnd() throws {
        let world = World()
        world.server.createTopic("t")
        let producer = world.client.ownProducer(ProducerSettings(), now: world.now)
        world.produce(producer, "t", token: 1)
        world.endProducer(producer)
        #expect(
            world.produce(producer, "t", token: 2)
                == .refused(ProduceFailure(.closed, "there is no such producer")))
        world.run { !world.reports.isEmpty }
        world.run(10)
        #expect(isDelivered(world, 1..<2))
        #expect(world.client.producerCount == 0)
        #expect(world.ended == [producer])
    }

    @Test func aTopicThatComesLaterIsWaitedFor() throws {
        let world = World()
        let producer = world.producer()
        world.produce(producer, "late", token: 1)
        world.run(5_000)
        #expect(world.reports.isEmpty)
        world.server.createTopic("late")
        world.run { !world.reports.isEmpty }
        #expect(isDelivered(world, 1..<2))
        #expect(try world.stored("late", 0) == [1])
    }

    @Test func aTopicThatNobodyKnowsIsRefusedInTheEnd() {
        let world = World()
        let producer = world.producer { $0.propagationMilliseconds = 3_000 }
        world.produce(producer, "none", token: 1)
        world.produce(producer, "no/name", token: 2)
        world.run { world.reports.count == 2 }
        #expect(world.now > Instant.zero.adding(milliseconds: 2_900))
        for report in world.reports {
            guard case .failed(let failure) = report.result else {
                Issue.record("\(report)")
                continue
            }
            #expect(failure.reason == .notFound)
        }
        // And nothing of them is left behind.
        world.run(20_000)
        let asked = world.count(3)
        world.run(20_000)
        #expect(world.count(3) == asked)
    }

    @Test func partitionsThatAreAddedAreUsed() {
        let world = World { _, client in client.metadataMaxAgeMilliseconds = 5_000 }
        world.server.createTopic("t")
        let producer = world.producer { $0.partitioner = .roundRobin }
        world.produce(producer, "t", token: 1)
        world.run { !world.reports.isEmpty }
        world.change { server, _ in server.addPartitions(to: "t", count: 4) }
        world.run(8_000)
        for token in 2..<10 as Range<UInt64> { world.produce(producer, "t", token: token) }
        world.run { world.results.count == 9 }
        #expect(Set(world.reports.map(\.partition)) == [0, 1, 2, 3])
    }

    @Test func aMovedLeaderIsFollowedByItsHint() throws {
        let world = World(brokers: 2)
        world.server.createTopic("t")
        let producer = world.producer { $0.lingerMilliseconds = 0 }
        world.produce(producer, "t", token: 1)
        world.run { world.reports.count == 1 }
        let old = world.requests.last { $0.key == 0 }?.broker
        let asked = world.count(3)
        world.change { _ = $0.moveLeader("t", 0, to: old == 1 ? 2 : 1, now: $1) }
        world.produce(producer, "t", token: 2)
        world.run { world.reports.count == 2 }
        #expect(isDelivered(world, 1..<3))
        #expect(world.requests.last { $0.key == 0 }?.broker != old)
        // The answer has named it: nobody waited for metadata.
        #expect(world.count(3) == asked)
        #expect(try world.stored("t", 0) == [1, 2])
    }

    @Test func withoutAcknowledgementsAHangUpIsTheNewsOfAMovedLeader() throws {
        let world = World(brokers: 2)
        world.server.createTopic("t")
        let producer = world.producer {
            $0.acks = .none
            $0.isIdempotent = false
            $0.lingerMilliseconds = 0
        }
        world.produce(producer, "t", token: 1)
        world.run(500)
        let old = world.requests.last { $0.key == 0 }?.broker
        world.change { _ = $0.moveLeader("t", 0, to: old == 1 ? 2 : 1, now: $1) }
        // This one is lost, and nobody can tell.
        world.produce(producer, "t", token: 2)
        world.run(2_000)
        world.produce(producer, "t", token: 3)
        world.run(2_000)
        #expect(isDelivered(world, 1..<4))
        #expect(try world.stored("t", 0) == [1, 3])
        #expect(!world.logs.contains { $0.level >= .warning })
    }

    @Test func withoutAcknowledgementsTheBrokerIsAskedWhetherItReads() throws {
        var limits = KafkaLimits()
        limits.unansweredBytesMax = 1_000
        let world = World(limits: limits)
        world.server.createTopic("t")
        let producer = world.producer {
            $0.acks = .none
            $0.isIdempotent = false
            $0.lingerMilliseconds = 0
        }
        for token in 0..<40 as Range<UInt64> {
            world.produce(producer, "t", token: token, padding: 200)
            world.run(1)
        }
        // A broker that does not read gets no more than what is bounded.
        world.run { world.results.count == 40 }
        world.run(100)
        #expect(try world.stored("t", 0) == Array(0..<40))
        #expect(world.count(18) > 3)
        world.server.inject(Fault(.silence, apiKey: 18, times: 2))
        for token in 40..<80 as Range<UInt64> {
            world.produce(producer, "t", token: token, padding: 200)
            world.run(1)
        }
        world.run(500)
        #expect(world.results.count < 60)
        world.run(60_000)
        #expect(world.results.count == 80)
    }

    @Test func aFullBufferTellsWhenThereIsRoom() {
        let world = World()
        world.server.createTopic("t")
        world.reportDelay = 100
        let producer = world.producer { $0.bufferBytes = 4_000 }
        var token: UInt64 = 0
        while world.produce(producer, "t", token: token, padding: 300) == .accepted { token += 1 }
        #expect(token > 5)
        world.run { world.roomAgain.contains(producer) }
        #expect(world.now > .zero.adding(milliseconds: 100))
        #expect(world.produce(producer, "t", token: 100) == .accepted)
    }

    @Test func aFlushEndsWithItsRecords() {
        let world = World()
        world.server.createTopic("t")
        let producer = world.producer { $0.lingerMilliseconds = 10_000 }
        #expect(world.flush(producer) == nil)
        for token in 0..<10 as Range<UInt64> { world.produce(producer, "t", token: token) }
        let token = world.flush(producer)
        world.run(1_000)
        #expect(world.flushed == [token])
        #expect(isDelivered(world, 0..<10))
    }

    @Test func shuttingDownTellsWhatMayBeStored() {
        let world = World()
        world.server.createTopic("t")
        let producer = world.producer { $0.lingerMilliseconds = 1_000 }
        world.server.inject(Fault(.silence, apiKey: 0))
        world.produce(producer, "t", token: 1)
        _ = world.flush(producer)
        world.run(100)
        world.produce(producer, "t", token: 2)
        world.produce(producer, "unknown", token: 3)
        world.shutDown()
        var mayBeStored: [UInt64: Bool] = [:]
        for report in world.reports {
            guard case .failed(let failure) = report.result else { continue }
            #expect(failure.reason == .closed)
            for token in report.tokens { mayBeStored[token] = failure.mayBeStored }
        }
        #expect(mayBeStored == [1: true, 2: false, 3: false])
        #expect(world.producer().raw > producer.raw)
    }

    @Test func aThrottleIsKeptTo() {
        let world = World()
        world.server.createTopic("t")
        let producer = world.producer { $0.lingerMilliseconds = 0 }
        world.server.inject(Fault(.throttle(milliseconds: 2_000), apiKey: 0))
        world.produce(producer, "t", token: 1)
        world.run { world.reports.count == 1 }
        world.produce(producer, "t", token: 2)
        world.run(1_500)
        #expect(world.reports.count == 1)
        world.run { world.reports.count == 2 }
        #expect(isDelivered(world, 1..<3))
    }

    @Test func aReaderBesideItSeesWhatItSends() throws {
        let world = World(brokers: 2)
        world.server.createTopic("t", partitions: 2)
        let producer = world.producer()
        let reader = world.read("t", 1, at: 0, wait: .max)
        for token in 0..<10 as Range<UInt64> { world.produce(producer, "t", 1, token: token) }
        let seen = try world.offsets(world.outcome(reader))
        #expect(seen == Array(0..<10))
        // Not behind a long poll that waits for what is sent.
        let follower = world.read("t", 1, at: 10, wait: .max)
        world.run(50)
        let start = world.now
        world.produce(producer, "t", 1, token: 10)
        world.run { world.results.count == 11 }
        #expect(world.now < start.adding(milliseconds: 50))
        #expect(try world.offsets(world.outcome(follower)) == [10])
    }

    @Test func aBrokerThatIsAwayIsWaitedFor() throws {
        let world = World(brokers: 1)
        world.server.createTopic("t")
        let producer = world.producer()
        world.produce(producer, "t", token: 1)
        world.run { world.reports.count == 1 }
        world.change { $0.takeDown(1, now: $1) }
        world.produce(producer, "t", token: 2)
        world.run(40_000)
        #expect(world.reports.count == 1)
        world.change { $0.bringUp(1, now: $1) }
        world.run { world.reports.count == 2 }
        #expect(isDelivered(world, 1..<3))
        #expect(try world.stored("t", 0) == [1, 2])
    }

    @Test func aClusterThatIsNotThereIsTimedOut() {
        let world = World()
        world.network.unreachable = [9092]
        let producer = world.producer { $0.deliveryTimeoutMilliseconds = 10_000 }
        world.produce(producer, "t", token: 1)
        world.run { !world.reports.isEmpty }
        #expect(world.now < .zero.adding(milliseconds: 11_000))
        guard case .failed(let failure)? = world.reports.first?.result else {
            Issue.record("no failure")
            return
        }
        #expect(failure.reason == .timedOut)
        #expect(!failure.mayBeStored)
    }
}
