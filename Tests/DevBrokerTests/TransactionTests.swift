import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing

@Suite struct TransactionTests {
    private let producer = DevProducer(id: 5, isTransactional: true)

    @Test("aborted lists and last stable offset of a fetch")
    func readCommitted() throws {
        let bench = Bench()
        bench.cluster.createTopic("t")
        let client = try bench.client()
        func append(_ range: Range<Int>, _ producer: DevProducer? = nil) throws {
            try bench.cluster.append("t", numbered(range), producer: producer, now: bench.now)
        }
        try append(0..<2)
        try append(2..<4, producer)  // aborted: 2...3, marker 4
        bench.cluster.endTransaction("t", producer: producer, committed: false, now: bench.now)
        var second = producer
        second.sequence = 2
        try append(5..<7, second)  // open from 5 on
        try append(7..<9)
        #expect(bench.cluster.lastStableOffset("t") == 5)
        #expect(bench.cluster.highWatermark("t") == 9)

        let all = try client.fetch(.init(topic: "t", offset: 0))
        #expect(try all.batches() == [0...1, 2...3, 4...4, 5...6, 7...8])
        #expect(try all.first.abortedTransactions == nil)
        #expect(try all.first.lastStableOffset == 5)

        let committed = try client.fetch(.init(topic: "t", offset: 0), committed: true)
        #expect(try committed.batches() == [0...1, 2...3, 4...4])
        #expect(
            try committed.first.abortedTransactions == [.init(producerID: 5, firstOffset: 2)])
        let later = try client.fetch(.init(topic: "t", offset: 5), committed: true)
        #expect(try later.first.abortedTransactions == [])
        #expect(later.bytes().isEmpty)

        bench.cluster.endTransaction("t", producer: second, committed: true, now: bench.now)
        let rest = try client.fetch(.init(topic: "t", offset: 5), committed: true)
        #expect(try rest.batches() == [5...6, 7...8, 9...9])
        #expect(try rest.first.abortedTransactions == [])
    }

    /// A producer's own steps.
    private struct Steps {
        let client: BenchClient
        let id = "tx"

        func initialise(version: Int16 = 4) throws -> (Int16, DevProducer) {
            let answer = try client.ask(
                InitProducerIdRequest(
                    transactionalID: id, transactionTimeoutMilliseconds: 5000),
                version: version)
            return (
                answer.errorCode,
                DevProducer(
                    id: answer.producerID, epoch: answer.producerEpoch, isTransactional: true)
            )
        }

        func add(_ producer: DevProducer, partition: Int32 = 0) throws -> Int16 {
            let answer = try client.ask(
                AddPartitionsToTxnRequest(
                    v3AndBelowTransactionalID: id, v3AndBelowProducerID: producer.id,
                    v3AndBelowProducerEpoch: producer.epoch,
                    v3AndBelowTopics: [.init(name: "t", partitions: [partition])]),
                version: 3)
            return try #require(
                answer.resultsByTopicV3AndBelow.first?.resultsByPartition.first
            ).partitionErrorCode
        }

        func write(_ producer: DevProducer, version: Int16 = 11) throws -> Int16 {
            try client.produce(
                "t", batch(["x"], producer: producer), transactionalID: id, version: version
            ).errorCode
        }

        func end(
            _ producer: DevProducer, committed: Bool, version: Int16 = 3
        ) throws -> EndTxnResponse {
            try client.ask(
                EndTxnRequest(
                    transactionalID: id, producerID: producer.id, producerEpoch: producer.epoch,
                    committed: committed),
                version: version)
        }
    }

    private func steps() throws -> (Bench, Steps) {
        let bench = Bench()
        bench.cluster.createTopic("t")
        return (bench, Steps(client: try bench.client()))
    }

    @Test("begin, write, commit; a partition outside of the transaction is refused")
    func life() throws {
        let (bench, steps) = try steps()
        let producer = try steps.initialise().1
        #expect(try steps.write(producer) == 48)
        #expect(try steps.add(producer) == 0)
        #expect(try steps.add(producer, partition: 3) == 3)
        #expect(try steps.write(producer) == 0)
        #expect(bench.cluster.lastStableOffset("t") == 0)
        #expect(try steps.end(producer, committed: true).errorCode == 0)
        #expect(bench.cluster.lastStableOffset("t") == 2)
        #expect(try steps.end(producer, committed: true).errorCode == 0, "asked again")
        #expect(try steps.end(producer, committed: false).errorCode == 48)
    }

    @Test("the same id again fences the old producer and aborts what it left open")
    func fencing() throws {
        let (bench, steps) = try steps()
        let old = try steps.initialise().1
        #expect(try steps.add(old) == 0)
        #expect(try steps.write(old) == 0)
        let new = try steps.initialise().1
        #expect(new.id == old.id && new.epoch == old.epoch + 1)
        #expect(bench.cluster.lastStableOffset("t") == 2)
        #expect(try steps.add(old) == 90)
        #expect(try steps.write(old) == 47)
        #expect(try steps.end(old, committed: true).errorCode == 90)
        #expect(try steps.add(new) == 0)
        #expect(try steps.write(new) == 0)
    }

    @Test("a transaction that takes too long is aborted")
    func timeout() throws {
        let (bench, steps) = try steps()
        let producer = try steps.initialise().1
        #expect(try steps.add(producer) == 0)
        #expect(try steps.write(producer) == 0)
        bench.pass(milliseconds: 4999)
        #expect(bench.cluster.lastStableOffset("t") == 0)
        bench.pass(milliseconds: 1)
        #expect(bench.cluster.lastStableOffset("t") == 2)
        #expect(try steps.end(producer, committed: true).errorCode == 90)
    }

    @Test("KIP-890: Produce v12 begins a transaction, EndTxn v5 bumps the epoch")
    func secondProtocol() throws {
        let (bench, steps) = try steps()
        let producer = try steps.initialise(version: 5).1
        #expect(try steps.write(producer, version: 12) == 0)
        let end = try steps.end(producer, committed: true, version: 5)
        #expect(end.errorCode == 0)
        #expect(end.producerID == producer.id && end.producerEpoch == producer.epoch + 1)
        #expect(bench.cluster.lastStableOffset("t") == 2)
        #expect(try steps.write(producer, version: 12) == 47)
        var next = producer
        next.epoch += 1
        #expect(try steps.write(next, version: 12) == 0)
    }
}
