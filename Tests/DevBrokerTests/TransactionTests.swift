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

        func initialise(
            _ known: DevProducer? = nil, version: Int16 = 4
        ) throws -> (Int16, DevProducer) {
            let answer = try client.ask(
                InitProducerIdRequest(
                    transactionalID: id, transactionTimeoutMilliseconds: 5000,
                    producerID: known?.id ?? -1, producerEpoch: known?.epoch ?? -1),
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
        #expect(try steps.write(producer, version: 10) == 48)
        #expect(try steps.write(producer, version: 11) == 120)
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
        #expect(try steps.initialise().0 == 51)
        let new = try steps.initialise().1
        #expect(new.id == old.id && new.epoch == old.epoch + 2)
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

    private func bumped(_ producer: DevProducer, by count: Int16 = 1) -> DevProducer {
        var producer = producer
        producer.epoch += count
        return producer
    }

    @Test("KIP-890: whoever missed the answer to EndTxn asks again under the old epoch")
    func endAgain() throws {
        let (bench, steps) = try steps()
        let producer = try steps.initialise(version: 5).1
        #expect(try steps.write(producer, version: 12) == 0)
        bench.cluster.inject(Fault(.errorAfter(-1), apiKey: 26))
        #expect(try steps.end(producer, committed: true, version: 5).errorCode == -1)
        let again = try steps.end(producer, committed: true, version: 5)
        #expect(again.errorCode == 0 && again.producerEpoch == producer.epoch + 1)
        #expect(try steps.end(producer, committed: false, version: 5).errorCode == 48)
        #expect(bench.cluster.logEnd("t") == 2)
        let next = bumped(producer)
        #expect(try steps.end(next, committed: true, version: 5).errorCode == 48, "nothing open")
        #expect(try steps.end(next, committed: false, version: 5).producerEpoch == next.epoch + 1)
        #expect(try steps.end(producer, committed: true, version: 5).errorCode == 90)
    }

    @Test("KIP-360: InitProducerId takes the present epoch and the one before, no other")
    func initialiseAgain() throws {
        let (_, steps) = try steps()
        let first = try steps.initialise().1
        let second = try steps.initialise(first).1
        #expect(second.epoch == first.epoch + 1)
        #expect(try steps.initialise(first).1.epoch == second.epoch, "its answer was lost")
        let third = try steps.initialise(second).1
        #expect(third.epoch == second.epoch + 1)
        #expect(try steps.initialise(first).0 == 90)
        #expect(try steps.initialise(first, version: 3).0 == 47)
        var other = third
        other.id += 1
        #expect(try steps.initialise(other).0 == 49)
        // Another producer takes the id over: nobody else's epoch is good any more.
        let taken = try steps.initialise().1
        #expect(taken.epoch == third.epoch + 1)
        #expect(try steps.initialise(third).0 == 90)
    }

    @Test("a transaction that timed out is recovered by its epoch (KIP-588)")
    func recovered() throws {
        let (bench, steps) = try steps()
        let producer = try steps.initialise().1
        #expect(try steps.add(producer) == 0)
        #expect(try steps.write(producer) == 0)
        bench.pass(milliseconds: 5000)
        #expect(try steps.write(producer) == 47)
        let (code, next) = try steps.initialise(producer)
        #expect(code == 0 && next.epoch == producer.epoch + 1)
        #expect(try steps.add(next) == 0)
    }

    @Test("while markers are being written nothing begins: 51")
    func concurrent() throws {
        let (bench, steps) = try steps()
        bench.cluster.delayMarkers(milliseconds: 100)
        let producer = try steps.initialise().1
        #expect(try steps.add(producer) == 0)
        #expect(try steps.write(producer) == 0)
        #expect(try steps.end(producer, committed: true).errorCode == 0)
        #expect(bench.cluster.lastStableOffset("t") == 0)
        #expect(try steps.end(producer, committed: true).errorCode == 51)
        #expect(try steps.end(producer, committed: false).errorCode == 48)
        #expect(try steps.add(producer) == 51)
        #expect(try steps.initialise().0 == 51)
        bench.pass(milliseconds: 100)
        #expect(bench.cluster.lastStableOffset("t") == 2)
        #expect(try steps.add(producer) == 0)
    }

    @Test("KIP-890: the first Produce behind an end waits for its markers too")
    func concurrentProduce() throws {
        let (bench, steps) = try steps()
        bench.cluster.delayMarkers(milliseconds: 100)
        let producer = try steps.initialise(version: 5).1
        #expect(try steps.write(producer, version: 12) == 0)
        #expect(try steps.end(producer, committed: false, version: 5).errorCode == 0)
        #expect(try steps.write(bumped(producer), version: 12) == 51)
        bench.pass(milliseconds: 100)
        #expect(try steps.write(bumped(producer), version: 12) == 0)
    }

    @Test("an id that is asked for while its transaction is open: 51 until that is aborted")
    func fencedWhileOpen() throws {
        let (bench, steps) = try steps()
        let old = try steps.initialise().1
        #expect(try steps.add(old) == 0)
        #expect(try steps.write(old) == 0)
        bench.cluster.delayMarkers(milliseconds: 100)
        #expect(try steps.initialise().0 == 51)
        #expect(try steps.write(old) == 47)
        bench.pass(milliseconds: 100)
        let (code, new) = try steps.initialise()
        #expect(code == 0 && new.epoch == old.epoch + 2)
        #expect(try steps.initialise(old).0 == 90)
    }

    @Test("epochs that are used up are followed by another id")
    func exhausted() throws {
        let (bench, steps) = try steps()
        var producer = try steps.initialise(version: 5).1
        let id = producer.id
        for _ in 0..<Int(Int16.max) - 1 {
            producer.epoch = try steps.end(producer, committed: false, version: 5).producerEpoch
        }
        #expect(producer.epoch == Int16.max - 1)
        #expect(try steps.write(producer, version: 12) == 0)
        let end = try steps.end(producer, committed: true, version: 5)
        #expect(end.producerID != id && end.producerEpoch == 0)
        #expect(try steps.end(producer, committed: true, version: 5).producerID == end.producerID)
        #expect(bench.cluster.lastStableOffset("t") == 2)
    }

    @Test("a release may have its transactions at version 1: then nothing begins by itself")
    func lowerLevel() throws {
        let (bench, steps) = try steps()
        func level() throws -> (Int64, Int16?) {
            let answer = try steps.client.ask(
                ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), version: 3)
            let feature = answer.finalizedFeatures.first { $0.name == "transaction.version" }
            return (answer.finalizedFeaturesEpoch, feature?.maxVersionLevel)
        }
        #expect(try level() == (1, 2))
        #expect(bench.cluster.setTransactionVersion(1))
        #expect(try level() == (2, 1))
        let producer = try steps.initialise(version: 5).1
        #expect(try steps.write(producer, version: 12) == 120)
        #expect(try steps.end(producer, committed: false, version: 5).errorCode == 48)
        #expect(try steps.add(producer) == 0)
        #expect(try steps.write(producer, version: 12) == 0)
        #expect(try steps.end(producer, committed: true, version: 4).errorCode == 0)
        #expect(bench.cluster.setTransactionVersion(0))
        #expect(try level() == (3, nil))
        #expect(!bench.cluster.setTransactionVersion(3))
    }

    @Test(
        "every request of a transaction answers an error that was put in", arguments: [25, 26, 28])
    func injected(_ key: Int) throws {
        let (bench, steps) = try steps()
        let producer = try steps.initialise().1
        bench.cluster.inject(Fault(.error(15), apiKey: Int16(key)))
        let code: Int16? =
            switch key {
            case 25:
                try steps.client.ask(
                    AddOffsetsToTxnRequest(
                        transactionalID: "tx", producerID: producer.id,
                        producerEpoch: producer.epoch, groupID: "g"), version: 3
                ).errorCode
            case 26: try steps.end(producer, committed: true).errorCode
            default:
                try steps.client.ask(
                    TxnOffsetCommitRequest(
                        transactionalID: "tx", groupID: "g", producerID: producer.id,
                        producerEpoch: producer.epoch,
                        topics: [.init(name: "t", partitions: [.init()])]), version: 3
                ).topics.first?.partitions.first?.errorCode
            }
        #expect(code == 15)
    }
}
