import DevBroker
import KafkaProducing
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

@Suite struct ProducerTransactionTests {
    private func outcome(
        _ world: World, _ step: (Cluster, Instant, inout [ClusterEffect]) -> ProduceFailure?
    ) throws -> TransactionOutcome {
        let count = world.outcomesOfTransactions.count
        if let refusal = world.transact(step) { throw refusal }
        world.run { world.outcomesOfTransactions.count > count }
        return try #require(world.outcomesOfTransactions.last)
    }

    @Test(arguments: BrokerProfile.allCases)
    func whatIsCommittedIsSeenAndWhatIsAbortedIsNot(_ profile: BrokerProfile) throws {
        let world = World(brokers: 3) { server, _ in server.profile = profile }
        world.server.createTopic("t", partitions: 2)
        let producer = world.producer { $0.transactionalID = "x" }
        #expect(
            try outcome(world) { $0.initializeTransactions(producer, now: $1, &$2) } == .initialized
        )
        var token: UInt64 = 0
        for round in 0..<4 {
            #expect(world.transact { $0.beginTransaction(producer, now: $1, &$2) } == nil)
            for _ in 0..<10 {
                world.produce(producer, "t", Int32(token % 2), token: token)
                token += 1
            }
            let isCommitted = round % 2 == 0
            let end = try outcome(world) {
                isCommitted
                    ? $0.commitTransaction(producer, now: $1, &$2)
                    : $0.abortTransaction(producer, now: $1, &$2)
            }
            #expect(end == (isCommitted ? .committed : .aborted))
        }
        world.run(1_000)
        let committed = (0..<40 as Range<UInt64>).filter { $0 / 10 % 2 == 0 }
        for partition in 0..<2 as Range<Int32> {
            #expect(
                try world.stored("t", partition, .readCommitted)
                    == committed.filter { $0 % 2 == partition })
        }
        // Of the second kind where the cluster has decided for them: brokers enrol by themselves.
        #expect((world.count(24) == 0) == (profile == .kafka4_1))
        #expect(world.areCounted)
    }

    @Test func aRecordOutsideOfATransactionIsRefused() throws {
        let world = World()
        world.server.createTopic("t")
        let producer = world.producer { $0.transactionalID = "x" }
        guard case .refused(let failure) = world.produce(producer, "t", token: 1) else {
            Issue.record("it was taken")
            return
        }
        #expect(failure.reason == .invalid)
    }

    @Test func whoComesLaterFencesTheFirst() throws {
        let world = World()
        world.server.createTopic("t")
        let first = world.producer { $0.transactionalID = "x" }
        #expect(
            try outcome(world) { $0.initializeTransactions(first, now: $1, &$2) } == .initialized)
        #expect(world.transact { $0.beginTransaction(first, now: $1, &$2) } == nil)
        world.produce(first, "t", token: 1)
        world.run { world.reports.count == 1 }
        let second = world.producer { $0.transactionalID = "x" }
        #expect(first != second)
        #expect(
            try outcome(world) { $0.initializeTransactions(second, now: $1, &$2) } == .initialized)
        let end = try outcome(world) { $0.commitTransaction(first, now: $1, &$2) }
        guard case .failed(let failure) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(failure.reason == .fenced)
        world.run(1_000)
        #expect(try world.stored("t", 0, .readCommitted) == [])
    }

    /// KIP-588: the coordinator has aborted what took too long. Before Kafka 2.5 nobody could tell
    /// that from another producer with the same id.
    @Test(arguments: BrokerProfile.allCases)
    func whoTookTooLongComesBack(_ profile: BrokerProfile) throws {
        let (world, producer) = try lateProducer(profile)
        let end = try outcome(world) { $0.abortTransaction(producer, now: $1, &$2) }
        guard profile != .kafka2_1 else {
            guard case .failed(let failure) = end else {
                Issue.record("\(end)")
                return
            }
            #expect(failure.reason == .fenced)
            return
        }
        #expect(end == .aborted)
        #expect(world.transact { $0.beginTransaction(producer, now: $1, &$2) } == nil)
        world.produce(producer, "t", token: 3)
        #expect(try outcome(world) { $0.commitTransaction(producer, now: $1, &$2) } == .committed)
        #expect(try world.stored("t", 0, .readCommitted) == [3])
    }

    @Test(arguments: BrokerProfile.allCases)
    func whoTookTooLongTakesTheIdFromNobody(_ profile: BrokerProfile) throws {
        let (world, producer) = try lateProducer(profile)
        let other = world.producer { $0.transactionalID = "x" }
        #expect(
            try outcome(world) { $0.initializeTransactions(other, now: $1, &$2) } == .initialized)
        let end = try outcome(world) { $0.abortTransaction(producer, now: $1, &$2) }
        guard case .failed(let failure) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(failure.reason == .fenced)
        #expect(world.transact { $0.beginTransaction(other, now: $1, &$2) } == nil)
        world.produce(other, "t", token: 3)
        #expect(try outcome(world) { $0.commitTransaction(other, now: $1, &$2) } == .committed)
        #expect(try world.stored("t", 0, .readCommitted) == [3])
    }

    /// Its transaction was open for longer than the coordinator allows, and it knows by now.
    private func lateProducer(_ profile: BrokerProfile) throws -> (World, ProducerID) {
        let world = World(brokers: 3) { server, _ in server.profile = profile }
        world.server.createTopic("t")
        let producer = world.producer {
            $0.transactionalID = "x"
            $0.transactionTimeoutMilliseconds = 1_000
        }
        #expect(
            try outcome(world) { $0.initializeTransactions(producer, now: $1, &$2) } == .initialized
        )
        #expect(world.transact { $0.beginTransaction(producer, now: $1, &$2) } == nil)
        world.produce(producer, "t", token: 1)
        world.run { world.reports.count == 1 }
        world.run(2_000)
        world.produce(producer, "t", token: 2)
        world.run { world.reports.count == 2 }
        guard case .broken(let failure) = world.outcomesOfTransactions.last else {
            Issue.record("\(world.outcomesOfTransactions)")
            return (world, producer)
        }
        #expect(failure.code == KafkaError.invalidProducerEpoch.rawValue)
        return (world, producer)
    }

    @Test func whoeverLeavesAbortsWhatIsOpen() throws {
        let world = World()
        world.server.createTopic("t")
        let producer = world.producer { $0.transactionalID = "x" }
        #expect(
            try outcome(world) { $0.initializeTransactions(producer, now: $1, &$2) } == .initialized
        )
        #expect(world.transact { $0.beginTransaction(producer, now: $1, &$2) } == nil)
        world.produce(producer, "t", token: 1)
        world.run { world.reports.count == 1 }
        world.endProducer(producer)
        world.run { world.client.producerCount == 0 }
        #expect(world.outcomesOfTransactions.last == .aborted)
        world.run(1_000)
        // The marker is there: those behind it are seen.
        try world.fill("t", 0, 1)
        let read = world.outcome(world.read("t", at: 0, .readCommitted))
        #expect(try world.offsets(read) == [2])
    }

    @Test func aCoordinatorThatMovesIsFoundAgain() throws {
        let world = World(brokers: 3)
        world.server.createTopic("t")
        let producer = world.producer { $0.transactionalID = "x" }
        #expect(
            try outcome(world) { $0.initializeTransactions(producer, now: $1, &$2) } == .initialized
        )
        #expect(world.transact { $0.beginTransaction(producer, now: $1, &$2) } == nil)
        world.produce(producer, "t", token: 1)
        world.run { world.reports.count == 1 }
        world.server.inject(Fault(.error(16), apiKey: 26, times: 2))
        let end = try outcome(world) { $0.commitTransaction(producer, now: $1, &$2) }
        #expect(end == .committed)
        #expect(world.count(10) >= 2)
        #expect(try world.stored("t", 0, .readCommitted) == [1])
    }
}
