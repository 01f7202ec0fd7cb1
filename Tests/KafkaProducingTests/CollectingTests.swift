import KafkaProtocol
import TestSupport
import Testing
import Timing

@testable import KafkaProducing

@Suite("Collecting and sending")
struct CollectingTests {
    @Test("a batch waits for more, until it is full or its time is over")
    func linger() {
        var driven = DrivenProducer {
            $0.lingerMilliseconds = 5; $0.batchBytes = 1_000
        }
        driven.tell()
        driven.append(10)
        #expect(driven.take() == nil)
        #expect(driven.producer.nextDeadline == driven.now.adding(milliseconds: 5))
        driven.wait(5)
        #expect(driven.take()?.recordCounts == [1])
        for _ in 0..<9 { driven.append(100, partition: 0) }
        // One is on its way, and the order is to be kept.
        #expect(driven.take() == nil)
    }

    @Test("one request takes one batch of each of a broker's partitions")
    func oneOfEach() {
        let driven = DrivenProducer { $0.lingerMilliseconds = 0 }
        driven.tell([0, 0, 1])
        for partition: Int32 in [0, 1, 2, 0] { driven.append(10, partition: partition) }
        #expect(driven.producer.nodesToServe(driven.now) == [0, 1])
        #expect(driven.take(0)?.recordCounts == [2, 1])
        #expect(driven.take(1)?.recordCounts == [1])
        #expect(driven.take(0) == nil)
    }

    @Test("a request has no more bytes than it may, but a batch alone has")
    func requestBytes() {
        let driven = DrivenProducer {
            $0.lingerMilliseconds = 0
            $0.requestBytesMax = 1_500
            $0.batchBytes = 4_000
        }
        driven.tell([0, 0, 0])
        driven.append(1_000, partition: 0)
        driven.append(1_000, partition: 1)
        driven.append(3_000, partition: 2)
        #expect(driven.take()?.batches.map(\.partition) == [0])
        #expect(driven.take()?.batches.map(\.partition) == [1])
        #expect(driven.take()?.batches.map(\.partition) == [2])
    }

    @Test("requests that are not answered are bounded")
    func inFlight() throws {
        let driven = DrivenProducer {
            $0.lingerMilliseconds = 0; $0.requestsInFlightMax = 2
        }
        driven.tell([0, 0, 0])
        driven.append(10, partition: 0)
        let first = try #require(driven.take())
        driven.append(10, partition: 1)
        _ = try #require(driven.take())
        driven.append(10, partition: 2)
        #expect(driven.take() == nil)
        #expect(driven.producer.nodesToServe(driven.now) == [])
        driven.answer(first)
        #expect(driven.take()?.batches.map(\.partition) == [2])
    }

    @Test("bytes and records of all partitions of a broker trigger together, others wait")
    func triggers() throws {
        var driven = DrivenProducer { $0.triggers.records = 3 }
        driven.tell([0, 0, 1])
        driven.append(10, partition: 0)
        driven.append(10, partition: 1)
        driven.append(10, partition: 2)
        #expect(driven.take(0) == nil)
        driven.append(10, partition: 0)
        #expect(driven.take(0)?.recordCounts == [2, 1])
        #expect(driven.take(1) == nil)
        // Nobody waits for ever.
        driven.wait(FlushTriggers.millisecondsMax)
        #expect(driven.take(1)?.recordCounts == [1])

        let bytes = DrivenProducer { $0.triggers.bytes = 300 }
        bytes.tell([0])
        bytes.append(100)
        #expect(bytes.take() == nil)
        bytes.append(100)
        bytes.append(100)
        #expect(bytes.take()?.recordCounts == [3])
    }

    @Test("no request has more records than it may")
    func recordsMax() {
        let driven = DrivenProducer {
            $0.lingerMilliseconds = 0; $0.triggers.recordsMax = 2
        }
        driven.tell([0, 0])
        for _ in 0..<3 { driven.append(10, partition: 0) }
        driven.append(10, partition: 1)
        #expect(driven.take()?.recordCounts == [2])
        #expect(driven.take()?.recordCounts == [1])
    }

    @Test("a record that is too large is refused, and says by what")
    func tooLarge() {
        let driven = DrivenProducer { $0.recordBytesMax = 1_000_000 }
        guard case .refused(let failure) = driven.append(1_000_001) else {
            Issue.record("it was taken")
            return
        }
        #expect(failure.reason == .tooLarge)
        #expect(failure.text.contains("1000001") && failure.text.contains("1000000"))
        #expect(driven.append(900_000) == .accepted)
    }

    @Test("a full buffer takes nothing until reports are taken")
    func buffer() throws {
        var driven = DrivenProducer {
            $0.bufferBytes = 3_000; $0.lingerMilliseconds = 1_000
        }
        driven.tell()
        #expect(driven.append(1_000) == .accepted)
        #expect(driven.append(1_000) == .accepted)
        #expect(driven.append(1_000) == .full)
        // Nobody waits for more in vain.
        let request = try #require(driven.take())
        driven.answer(request)
        let report = try #require(driven.reports.first)
        #expect(driven.append(1_000) == .full)
        driven.producer.taken(report.bufferBytes)
        guard case .roomAgain = driven.effects.first else {
            Issue.record("nobody is told of the room")
            return
        }
        #expect(driven.append(1_000) == .accepted)
        driven.wait(1_000)
        #expect(driven.take() != nil)
    }

    @Test("records wait for their topic, in their order, and fail when nobody knows it")
    func unknownTopic() throws {
        var driven = DrivenProducer {
            $0.lingerMilliseconds = 0; $0.propagationMilliseconds = 100
        }
        driven.append(10, partition: nil, token: 1)
        driven.append(10, partition: 0, token: 2)
        guard case .metadataNeeded("t") = driven.effects.first else {
            Issue.record("nobody is asked for the topic")
            return
        }
        driven.producer.refuse(
            "t", ProduceFailure(.notFound, code: .unknownTopicOrPartition, "no such topic"),
            isFinal: false, now: driven.now)
        #expect(driven.reports.isEmpty)
        driven.wait(100)
        let reports = driven.reports
        #expect(reports.flatMap(\.tokens) == [1, 2])
        #expect(reports.allSatisfy { $0.failure?.reason == .notFound })
        driven.append(10, partition: nil, token: 3)
        driven.tell()
        #expect(driven.take()?.recordCounts == [1])
    }

    @Test("names that nobody knows are forgotten, and may be named again")
    func forgotten() {
        var driven = DrivenProducer { $0.propagationMilliseconds = 100 }
        let handle = driven.producer.topic("t")
        driven.append(10, partition: nil, token: 1)
        driven.producer.refuse(
            "t", ProduceFailure(.notFound, "no such topic"), isFinal: true, now: driven.now)
        #expect(driven.reports.map(\.tokens) == [[1]])
        #expect(driven.producer.topics.isEmpty && driven.producer.topicOrder.isEmpty)
        #expect(handle.isForgotten)
        driven.append(10, partition: nil, token: 2)
        #expect(
            driven.effects.contains { if case .metadataNeeded("t") = $0 { true } else { false } })
        driven.tell()
        driven.wait(5)
        #expect(driven.take()?.recordCounts == [1])
    }

    @Test("a topic that is deleted fails what waits, when nobody has known it for long enough")
    func deleted() {
        var driven = DrivenProducer {
            $0.propagationMilliseconds = 100; $0.lingerMilliseconds = 10_000
        }
        driven.tell()
        driven.append(10, token: 1)
        func refuse() {
            driven.producer.refuse(
                "t", ProduceFailure(.notFound, "no such topic"), isFinal: false, now: driven.now)
        }
        refuse()
        driven.wait(99)
        #expect(driven.reports.isEmpty)
        refuse()
        driven.wait(1)
        #expect(driven.reports.first?.failure?.reason == .notFound)
        #expect(driven.producer.topics.isEmpty)
    }

    @Test("a partition that the topic does not have is refused, and asked for")
    func noPartition() {
        let driven = DrivenProducer { $0.lingerMilliseconds = 0 }
        driven.append(10, partition: 1, token: 1)
        driven.tell([0])
        #expect(driven.reports.first?.failure?.reason == .notFound)
        for partition: Int32 in [-1, 1, .max] {
            guard case .refused(let failure) = driven.append(10, partition: partition) else {
                Issue.record("\(partition) was taken")
                continue
            }
            #expect(failure.reason == .notFound)
        }
        #expect(
            driven.effects.contains { if case .metadataNeeded("t") = $0 { true } else { false } })
        driven.tell([0, 0])
        #expect(driven.append(10, partition: 1) == .accepted)
    }

    @Test("what a broker says of partitions beyond their count takes no memory")
    func hugeIndex() {
        let driven = DrivenProducer()
        let topic = driven.producer.topic("t")
        driven.producer.tell(
            "t", id: driven.topicID,
            [
                PartitionLeader(index: 0, leader: 0, epoch: 1),
                PartitionLeader(index: .max, leader: 0, epoch: 1),
                PartitionLeader(index: -1, leader: 0, epoch: 1),
            ], now: driven.now)
        #expect(topic.queues.count == 1)
    }

    @Test("a partition whose leader is another one waits no more for the old one's connection")
    func moves() {
        let driven = DrivenProducer { $0.lingerMilliseconds = 0 }
        driven.tell([0], epoch: 1)
        driven.append(10)
        #expect(driven.producer.nodesToServe(driven.now) == [0])
        driven.tell([1], epoch: 2)
        #expect(driven.producer.nodesToServe(driven.now) == [1])
        #expect(driven.take(1)?.recordCounts == [1])
        #expect(driven.take(0) == nil)
    }

    @Test("a partition whose broker takes nothing gets no record without a key")
    func availability() {
        var driven = DrivenProducer {
            $0.lingerMilliseconds = 0
            $0.availabilityTimeoutMilliseconds = 100
            $0.batchBytes = 200
        }
        driven.tell([0, 1])
        driven.append(10, partition: 1)
        driven.wait(0)
        driven.wait(100)
        for _ in 0..<50 {
            driven.append(190, partition: nil)
            _ = driven.take(0).map { driven.answer($0) }
            driven.wait(1)
        }
        // One batch at most went there before it was found out.
        #expect((driven.take(1)?.recordCounts ?? []).reduce(0, +) <= 2)
        #expect(driven.producer.topic("t").queues[1].waitingCount <= 1)
    }

    @Test("parts of a batch count once for the triggers")
    func partsAndTriggers() throws {
        var driven = DrivenProducer { $0.triggers.records = 4 }
        driven.tell()
        for token: UInt64 in 1...4 { driven.append(100, token: token) }
        driven.answer(try #require(driven.take()), 10)
        driven.answer(try #require(driven.take()))
        driven.wait(1)
        driven.answer(try #require(driven.take()))
        #expect(driven.producer.nodes[0].unsent == UnsentLoad())
        for token: UInt64 in 5...7 { driven.append(100, token: token) }
        #expect(driven.take() == nil)
    }

    @Test("a flush sends what waits, and is done when all of it is reported of")
    func flush() throws {
        var driven = DrivenProducer { $0.lingerMilliseconds = 10_000 }
        #expect(driven.producer.flush() == nil)
        driven.tell([0, 1])
        driven.append(10, partition: 0, token: 1)
        driven.append(10, partition: 1, token: 2)
        let token = try #require(driven.producer.flush())
        let first = try #require(driven.take(0))
        let second = try #require(driven.take(1))
        driven.append(10, partition: 0, token: 3)
        driven.answer(first)
        #expect(!driven.effects.contains { if case .flushed = $0 { true } else { false } })
        driven.answer(second)
        #expect(
            driven.effects.contains { if case .flushed(token) = $0 { true } else { false } })
        driven.wait(1)
        #expect(driven.take(0) == nil)
    }

    @Test("with acks of none a record is told as sent, without an offset")
    func acksNone() {
        let driven = DrivenProducer {
            $0.acks = .none; $0.lingerMilliseconds = 0
        }
        driven.tell()
        driven.append(10, token: 5)
        #expect(driven.take()?.acks == Acknowledgement.none)
        let reports = driven.reports
        guard case .delivered(-1, -1) = reports.first?.result else {
            Issue.record("\(reports)")
            return
        }
        driven.append(10, token: 6)
        #expect(driven.take() != nil)
    }

    @Test("records without a key stay with a partition for a batch, those with one do not move it")
    func sticky() {
        let driven = DrivenProducer {
            $0.batchBytes = 1_000; $0.lingerMilliseconds = 1_000
        }
        driven.tell([0, 0, 0, 0])
        var partitions: [Int] = []
        for _ in 0..<40 {
            driven.append(100, partition: nil)
            driven.append(10, partition: nil, key: [97])
        }
        _ = driven.producer.flush()
        while let request = driven.take() {
            for (batch, count) in zip(request.batches, request.recordCounts) {
                partitions.append(Int(batch.partition))
                #expect(count <= 60)
            }
            driven.answer(request)
        }
        // About 4,000 bytes in batches of 1,000, some of them beside the keyed ones.
        #expect(partitions.count <= 8)
        #expect(Set(partitions).count >= 2)
    }
}
