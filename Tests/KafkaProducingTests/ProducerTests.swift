import Bytes
import Compression
import KafkaProtocol
import TestSupport
import Testing
import Timing

@testable import KafkaProducing

/// One producer, driven by hand.
private struct Bench {
    let producer: Producer
    var now = Instant.zero
    let topicID = KafkaUUID(high: 0, low: 7)

    init(_ change: (inout ProducerSettings) -> Void = { _ in }) {
        var settings = ProducerSettings()
        settings.isIdempotent = false
        settings.acks = .leader
        change(&settings)
        producer = Producer(settings, random: SeededRandom(seed: 1))
    }

    /// Partition i is led by node i.
    func tell(_ leaders: [Int32] = [0], epoch: Int32 = 1) {
        _ = producer.topic("t")
        producer.tell(
            "t", id: topicID,
            leaders.enumerated().map {
                PartitionLeader(index: Int32($0), leader: $1, epoch: epoch)
            }, now: now)
    }

    @discardableResult
    func append(
        _ count: Int, partition: Int32? = 0, token: UInt64 = 0, key: [UInt8]? = nil
    ) -> Acceptance {
        [UInt8](repeating: 65, count: count).withUnsafeBytes { value in
            (key ?? []).withUnsafeBytes { keyBytes in
                producer.append(
                    ProducedRecord(
                        key: key == nil ? nil : keyBytes, value: value, timestamp: 0,
                        token: token), to: producer.topic("t"), partition: partition, now: now)
            }
        }
    }

    func take(_ node: Int32 = 0) -> ProduceRequestToSend? {
        producer.takeRequest(to: node, budgetBytes: 1 << 20, now: now)
    }

    mutating func wait(_ milliseconds: Int64) {
        now = now.adding(milliseconds: milliseconds)
        producer.tick(now)
    }

    func answer(_ request: ProduceRequestToSend, _ code: Int16 = 0, offset: Int64 = 0) {
        producer.answered(
            request.id,
            request.batches.map {
                ProduceAnswer(
                    topic: "t", partition: $0.partition, code: code, baseOffset: offset)
            }, now: now)
    }

    var effects: [ProducerEffect] {
        defer { producer.effects = [] }
        return producer.effects
    }

    var reports: [DeliveryReport] {
        effects.compactMap { if case .report(let report) = $0 { report } else { nil } }
    }
}

extension ProduceRequestToSend {
    fileprivate var recordCounts: [Int] {
        batches.map { batch in
            var set = RecordSetReader(batch.bytes.bytes)
            return (try? set.next()).flatMap { $0 }.map { Int($0.header.recordCount) } ?? -1
        }
    }
}

extension ProduceRequestToSend {
    /// Epoch and first sequence of the first batch.
    fileprivate var place: [Int] {
        var set = batches.first.map { RecordSetReader($0.bytes.bytes) }
        guard let header = (try? set?.next()).flatMap({ $0 })?.header else { return [] }
        return [Int(header.producerEpoch), Int(header.baseSequence)]
    }
}

extension DeliveryReport {
    fileprivate var failure: ProduceFailure? {
        if case .failed(let failure) = result { failure } else { nil }
    }
}

@Suite("Collecting and sending")
struct CollectingTests {
    @Test("a batch waits for more, until it is full or its time is over")
    func linger() {
        var bench = Bench {
            $0.lingerMilliseconds = 5; $0.batchBytes = 1_000
        }
        bench.tell()
        bench.append(10)
        #expect(bench.take() == nil)
        #expect(bench.producer.nextDeadline == bench.now.adding(milliseconds: 5))
        bench.wait(5)
        #expect(bench.take()?.recordCounts == [1])
        for _ in 0..<9 { bench.append(100, partition: 0) }
        // One is on its way, and the order is to be kept.
        #expect(bench.take() == nil)
    }

    @Test("one request takes one batch of each of a broker's partitions")
    func oneOfEach() {
        let bench = Bench { $0.lingerMilliseconds = 0 }
        bench.tell([0, 0, 1])
        for partition: Int32 in [0, 1, 2, 0] { bench.append(10, partition: partition) }
        #expect(bench.producer.nodesToServe(bench.now) == [0, 1])
        #expect(bench.take(0)?.recordCounts == [2, 1])
        #expect(bench.take(1)?.recordCounts == [1])
        #expect(bench.take(0) == nil)
    }

    @Test("a request has no more bytes than it may, but a batch alone has")
    func requestBytes() {
        let bench = Bench {
            $0.lingerMilliseconds = 0
            $0.requestBytesMax = 1_500
            $0.batchBytes = 4_000
        }
        bench.tell([0, 0, 0])
        bench.append(1_000, partition: 0)
        bench.append(1_000, partition: 1)
        bench.append(3_000, partition: 2)
        #expect(bench.take()?.batches.map(\.partition) == [0])
        #expect(bench.take()?.batches.map(\.partition) == [1])
        #expect(bench.take()?.batches.map(\.partition) == [2])
    }

    @Test("requests that are not answered are bounded")
    func inFlight() throws {
        let bench = Bench {
            $0.lingerMilliseconds = 0; $0.requestsInFlightMax = 2
        }
        bench.tell([0, 0, 0])
        bench.append(10, partition: 0)
        let first = try #require(bench.take())
        bench.append(10, partition: 1)
        _ = try #require(bench.take())
        bench.append(10, partition: 2)
        #expect(bench.take() == nil)
        #expect(bench.producer.nodesToServe(bench.now) == [])
        bench.answer(first)
        #expect(bench.take()?.batches.map(\.partition) == [2])
    }

    @Test("bytes and records of all partitions of a broker trigger together, others wait")
    func triggers() throws {
        var bench = Bench { $0.triggers.records = 3 }
        bench.tell([0, 0, 1])
        bench.append(10, partition: 0)
        bench.append(10, partition: 1)
        bench.append(10, partition: 2)
        #expect(bench.take(0) == nil)
        bench.append(10, partition: 0)
        #expect(bench.take(0)?.recordCounts == [2, 1])
        #expect(bench.take(1) == nil)
        // Nobody waits for ever.
        bench.wait(FlushTriggers.millisecondsMax)
        #expect(bench.take(1)?.recordCounts == [1])

        let bytes = Bench { $0.triggers.bytes = 300 }
        bytes.tell([0])
        bytes.append(100)
        #expect(bytes.take() == nil)
        bytes.append(100)
        bytes.append(100)
        #expect(bytes.take()?.recordCounts == [3])
    }

    @Test("no request has more records than it may")
    func recordsMax() {
        let bench = Bench {
            $0.lingerMilliseconds = 0; $0.triggers.recordsMax = 2
        }
        bench.tell([0, 0])
        for _ in 0..<3 { bench.append(10, partition: 0) }
        bench.append(10, partition: 1)
        #expect(bench.take()?.recordCounts == [2])
        #expect(bench.take()?.recordCounts == [1])
    }

    @Test("a record that is too large is refused, and says by what")
    func tooLarge() {
        let bench = Bench { $0.recordBytesMax = 1_000_000 }
        guard case .refused(let failure) = bench.append(1_000_001) else {
            Issue.record("it was taken")
            return
        }
        #expect(failure.reason == .tooLarge)
        #expect(failure.text.contains("1000001") && failure.text.contains("1000000"))
        #expect(bench.append(900_000) == .accepted)
    }

    @Test("a full buffer takes nothing until reports are taken")
    func buffer() throws {
        var bench = Bench {
            $0.bufferBytes = 3_000; $0.lingerMilliseconds = 1_000
        }
        bench.tell()
        #expect(bench.append(1_000) == .accepted)
        #expect(bench.append(1_000) == .accepted)
        #expect(bench.append(1_000) == .full)
        // Nobody waits for more in vain.
        let request = try #require(bench.take())
        bench.answer(request)
        let report = try #require(bench.reports.first)
        #expect(bench.append(1_000) == .full)
        bench.producer.taken(report.bufferBytes)
        guard case .roomAgain = bench.effects.first else {
            Issue.record("nobody is told of the room")
            return
        }
        #expect(bench.append(1_000) == .accepted)
        bench.wait(1_000)
        #expect(bench.take() != nil)
    }

    @Test("records wait for their topic, in their order, and fail when nobody knows it")
    func unknownTopic() throws {
        var bench = Bench {
            $0.lingerMilliseconds = 0; $0.propagationMilliseconds = 100
        }
        bench.append(10, partition: nil, token: 1)
        bench.append(10, partition: 0, token: 2)
        guard case .metadataNeeded("t") = bench.effects.first else {
            Issue.record("nobody is asked for the topic")
            return
        }
        bench.producer.refuse(
            "t", ProduceFailure(.notFound, code: .unknownTopicOrPartition, "no such topic"),
            isFinal: false, now: bench.now)
        #expect(bench.reports.isEmpty)
        bench.wait(100)
        let reports = bench.reports
        #expect(reports.flatMap(\.tokens) == [1, 2])
        #expect(reports.allSatisfy { $0.failure?.reason == .notFound })
        bench.append(10, partition: nil, token: 3)
        bench.tell()
        #expect(bench.take()?.recordCounts == [1])
    }

    @Test("names that nobody knows are forgotten, and may be named again")
    func forgotten() {
        var bench = Bench { $0.propagationMilliseconds = 100 }
        let handle = bench.producer.topic("t")
        bench.append(10, partition: nil, token: 1)
        bench.producer.refuse(
            "t", ProduceFailure(.notFound, "no such topic"), isFinal: true, now: bench.now)
        #expect(bench.reports.map(\.tokens) == [[1]])
        #expect(bench.producer.topics.isEmpty && bench.producer.topicOrder.isEmpty)
        #expect(handle.isForgotten)
        bench.append(10, partition: nil, token: 2)
        #expect(
            bench.effects.contains { if case .metadataNeeded("t") = $0 { true } else { false } })
        bench.tell()
        bench.wait(5)
        #expect(bench.take()?.recordCounts == [1])
    }

    @Test("a topic that is deleted fails what waits, when nobody has known it for long enough")
    func deleted() {
        var bench = Bench {
            $0.propagationMilliseconds = 100; $0.lingerMilliseconds = 10_000
        }
        bench.tell()
        bench.append(10, token: 1)
        func refuse() {
            bench.producer.refuse(
                "t", ProduceFailure(.notFound, "no such topic"), isFinal: false, now: bench.now)
        }
        refuse()
        bench.wait(99)
        #expect(bench.reports.isEmpty)
        refuse()
        bench.wait(1)
        #expect(bench.reports.first?.failure?.reason == .notFound)
        #expect(bench.producer.topics.isEmpty)
    }

    @Test("a partition that the topic does not have is refused, and asked for")
    func noPartition() {
        let bench = Bench { $0.lingerMilliseconds = 0 }
        bench.append(10, partition: 1, token: 1)
        bench.tell([0])
        #expect(bench.reports.first?.failure?.reason == .notFound)
        for partition: Int32 in [-1, 1, .max] {
            guard case .refused(let failure) = bench.append(10, partition: partition) else {
                Issue.record("\(partition) was taken")
                continue
            }
            #expect(failure.reason == .notFound)
        }
        #expect(
            bench.effects.contains { if case .metadataNeeded("t") = $0 { true } else { false } })
        bench.tell([0, 0])
        #expect(bench.append(10, partition: 1) == .accepted)
    }

    @Test("what a broker says of partitions beyond their count takes no memory")
    func hugeIndex() {
        let bench = Bench()
        let topic = bench.producer.topic("t")
        bench.producer.tell(
            "t", id: bench.topicID,
            [
                PartitionLeader(index: 0, leader: 0, epoch: 1),
                PartitionLeader(index: .max, leader: 0, epoch: 1),
                PartitionLeader(index: -1, leader: 0, epoch: 1),
            ], now: bench.now)
        #expect(topic.queues.count == 1)
    }

    @Test("a partition whose leader is another one waits no more for the old one's connection")
    func moves() {
        let bench = Bench { $0.lingerMilliseconds = 0 }
        bench.tell([0], epoch: 1)
        bench.append(10)
        #expect(bench.producer.nodesToServe(bench.now) == [0])
        bench.tell([1], epoch: 2)
        #expect(bench.producer.nodesToServe(bench.now) == [1])
        #expect(bench.take(1)?.recordCounts == [1])
        #expect(bench.take(0) == nil)
    }

    @Test("a partition whose broker takes nothing gets no record without a key")
    func availability() {
        var bench = Bench {
            $0.lingerMilliseconds = 0
            $0.availabilityTimeoutMilliseconds = 100
            $0.batchBytes = 200
        }
        bench.tell([0, 1])
        bench.append(10, partition: 1)
        bench.wait(0)
        bench.wait(100)
        for _ in 0..<50 {
            bench.append(190, partition: nil)
            _ = bench.take(0).map { bench.answer($0) }
            bench.wait(1)
        }
        // One batch at most went there before it was found out.
        #expect((bench.take(1)?.recordCounts ?? []).reduce(0, +) <= 2)
        #expect(bench.producer.topic("t").queues[1].waitingCount <= 1)
    }

    @Test("parts of a batch count once for the triggers")
    func partsAndTriggers() throws {
        var bench = Bench { $0.triggers.records = 4 }
        bench.tell()
        for token: UInt64 in 1...4 { bench.append(100, token: token) }
        bench.answer(try #require(bench.take()), 10)
        bench.answer(try #require(bench.take()))
        bench.wait(1)
        bench.answer(try #require(bench.take()))
        #expect(bench.producer.nodes[0].unsent == UnsentLoad())
        for token: UInt64 in 5...7 { bench.append(100, token: token) }
        #expect(bench.take() == nil)
    }

    @Test("a flush sends what waits, and is done when all of it is reported of")
    func flush() throws {
        var bench = Bench { $0.lingerMilliseconds = 10_000 }
        #expect(bench.producer.flush() == nil)
        bench.tell([0, 1])
        bench.append(10, partition: 0, token: 1)
        bench.append(10, partition: 1, token: 2)
        let token = try #require(bench.producer.flush())
        let first = try #require(bench.take(0))
        let second = try #require(bench.take(1))
        bench.append(10, partition: 0, token: 3)
        bench.answer(first)
        #expect(!bench.effects.contains { if case .flushed = $0 { true } else { false } })
        bench.answer(second)
        #expect(
            bench.effects.contains { if case .flushed(token) = $0 { true } else { false } })
        bench.wait(1)
        #expect(bench.take(0) == nil)
    }

    @Test("with acks of none a record is told as sent, without an offset")
    func acksNone() {
        let bench = Bench {
            $0.acks = .none; $0.lingerMilliseconds = 0
        }
        bench.tell()
        bench.append(10, token: 5)
        #expect(bench.take()?.acks == Acknowledgement.none)
        let reports = bench.reports
        guard case .delivered(-1, -1) = reports.first?.result else {
            Issue.record("\(reports)")
            return
        }
        bench.append(10, token: 6)
        #expect(bench.take() != nil)
    }

    @Test("records without a key stay with a partition for a batch, those with one do not move it")
    func sticky() {
        let bench = Bench {
            $0.batchBytes = 1_000; $0.lingerMilliseconds = 1_000
        }
        bench.tell([0, 0, 0, 0])
        var partitions: [Int] = []
        for _ in 0..<40 {
            bench.append(100, partition: nil)
            bench.append(10, partition: nil, key: [97])
        }
        _ = bench.producer.flush()
        while let request = bench.take() {
            for (batch, count) in zip(request.batches, request.recordCounts) {
                partitions.append(Int(batch.partition))
                #expect(count <= 60)
            }
            bench.answer(request)
        }
        // About 4,000 bytes in batches of 1,000, some of them beside the keyed ones.
        #expect(partitions.count <= 8)
        #expect(Set(partitions).count >= 2)
    }
}

@Suite("What goes wrong")
struct TroubleTests {
    @Test("a batch that is too large is sent in halves, a record alone fails")
    func split() throws {
        var bench = Bench { $0.lingerMilliseconds = 0 }
        bench.tell()
        for token: UInt64 in 1...3 { bench.append(100, token: token) }
        bench.answer(try #require(bench.take()), 10)
        let first = try #require(bench.take())
        #expect(first.recordCounts == [1])
        bench.answer(first, 10)
        #expect(bench.reports.map(\.tokens) == [[1]])
        bench.wait(1)
        let second = try #require(bench.take())
        #expect(second.recordCounts == [2])
        bench.answer(second, offset: 7)
        let report = try #require(bench.reports.first)
        #expect(report.tokens == [2, 3])
    }

    @Test("records that a broker names fail alone, their neighbours are stored")
    func recordErrors() throws {
        for codec in [Codec.none, .gzip] {
            let bench = Bench {
                $0.lingerMilliseconds = 0; $0.compression = codec
            }
            bench.tell()
            for token: UInt64 in 1...4 { bench.append(100, token: token, key: [1]) }
            let request = try #require(bench.take())
            bench.producer.answered(
                request.id,
                [
                    ProduceAnswer(
                        topic: "t", partition: 0, code: 87,
                        recordErrors: [(1, "no key"), (2, nil)], text: "bad batch")
                ], now: bench.now)
            let failed = bench.reports
            #expect(failed.map(\.tokens) == [[2], [3]])
            #expect(failed[0].failure?.text == "INVALID_RECORD: no key")
            #expect(failed[1].failure?.text == "INVALID_RECORD: bad batch")
            let rest = try #require(bench.take())
            #expect(rest.recordCounts == [2])
            bench.answer(rest)
            #expect(bench.reports.map(\.tokens) == [[1, 4]])
            #expect(bench.producer.bufferedBytes > 0)
        }
    }

    @Test("a refusal that nothing helps against fails the batch and nothing else")
    func refused() throws {
        let bench = Bench { $0.lingerMilliseconds = 0 }
        bench.tell([0, 0])
        bench.append(10, partition: 0, token: 1)
        bench.append(10, partition: 1, token: 2)
        let request = try #require(bench.take())
        bench.producer.answered(
            request.id,
            [
                ProduceAnswer(topic: "t", partition: 1, code: 0, baseOffset: 3),
                ProduceAnswer(topic: "t", partition: 0, code: 29),
            ], now: bench.now)
        let reports = bench.reports
        #expect(reports.first { $0.tokens == [1] }?.failure?.reason == .notAuthorized)
        #expect(reports.first { $0.tokens == [2] }?.failure == nil)
    }

    @Test("what a broker does not tell of is asked again")
    func missing() throws {
        var bench = Bench { $0.lingerMilliseconds = 0 }
        bench.tell()
        bench.append(10, token: 1)
        let request = try #require(bench.take())
        bench.producer.answered(request.id, [], now: bench.now)
        #expect(bench.reports.isEmpty)
        #expect(bench.take() == nil)
        bench.wait(1_000)
        #expect(bench.take()?.recordCounts == [1])
    }

    @Test("a hint moves a partition at once, an older one does not")
    func hint() throws {
        let bench = Bench { $0.lingerMilliseconds = 0 }
        bench.tell([0], epoch: 5)
        bench.append(10)
        let request = try #require(bench.take())
        func hint(_ id: ProduceRequestID, _ leader: Int32, _ epoch: Int32) {
            bench.producer.answered(
                id,
                [
                    ProduceAnswer(
                        topic: "t", partition: 0, code: 6,
                        leader: PartitionLeader(index: 0, leader: leader, epoch: epoch))
                ], now: bench.now)
        }
        hint(request.id, 2, 6)
        let moved = try #require(bench.take(2))
        hint(moved.id, 1, 4)
        #expect(bench.take(1) == nil)
    }

    @Test("a record that cannot be delivered in time is told so, and whether it may be stored")
    func deadline() throws {
        for isSent in [false, true] {
            var bench = Bench {
                $0.lingerMilliseconds = 0
                $0.deliveryTimeoutMilliseconds = 1_000
            }
            bench.tell()
            bench.append(10, token: 1)
            if isSent { _ = try #require(bench.take()) }
            bench.wait(1_000)
            let failure = try #require(bench.reports.first?.failure)
            #expect(failure.reason == .timedOut)
            #expect(failure.mayBeStored == isSent)
        }
    }

    /// One that has had a batch of one record stored.
    private func proven(_ change: (inout ProducerSettings) -> Void = { _ in }) throws -> Bench {
        let bench = Bench {
            $0.isIdempotent = true
            $0.acks = .all
            $0.lingerMilliseconds = 0
            change(&$0)
        }
        bench.tell()
        bench.append(10)
        bench.producer.tick(bench.now)
        bench.producer.identified(ProducerIdentity(id: 1, epoch: 0), now: bench.now)
        let first = try #require(bench.take())
        #expect(first.place == [0, 0])
        bench.answer(first)
        return bench
    }

    @Test("what is behind a batch that fails begins anew if it may still arrive under its number")
    func gapBeforeWhatIsOnItsWay() throws {
        var bench = try proven()
        bench.append(10, token: 2)
        let failing = try #require(bench.take())
        bench.append(10, token: 3)
        let behind = try #require(bench.take())
        #expect(failing.place == [0, 1] && behind.place == [0, 2])
        bench.answer(failing, 29)
        bench.answer(behind, 45)
        bench.wait(1_000)
        #expect(bench.take()?.place == [1, 0])
    }

    @Test("what is behind a batch that fails moves up if nothing of it is on its way")
    func gapBeforeWhatWasRefused() throws {
        var bench = try proven()
        bench.append(10, token: 2)
        let failing = try #require(bench.take())
        bench.append(10, token: 3)
        let behind = try #require(bench.take())
        // Answered in another order, as over another connection.
        bench.answer(behind, 45)
        bench.answer(failing, 29)
        bench.wait(1_000)
        #expect(bench.take()?.place == [0, 1])
    }

    @Test("two lost batches that may still arrive one behind the other are stored once")
    func latePair() throws {
        var bench = try proven { $0.deliveryTimeoutMilliseconds = 10_000 }
        bench.append(10, token: 2)
        let first = try #require(bench.take())
        bench.wait(5_000)
        bench.append(10, token: 3)
        let second = try #require(bench.take())
        bench.producer.lost(first.id, now: bench.now)
        bench.producer.lost(second.id, now: bench.now)
        // The first is given up; nobody knows whether it is stored.
        bench.wait(5_000)
        #expect(bench.reports.last?.failure?.mayBeStored == true)
        let again = try #require(bench.take())
        #expect(again.place == [0, 2])
        bench.answer(again, 45)
        bench.wait(1_000)
        let still = try #require(bench.take())
        #expect(still.place == [0, 2])
        bench.answer(still, 0)
        #expect(bench.reports.last?.tokens == [3])
    }

    @Test("a fenced producer fails everything, and takes nothing any more")
    func fenced() throws {
        let bench = Bench {
            $0.isIdempotent = true; $0.acks = .all; $0.lingerMilliseconds = 0
        }
        bench.tell([0, 1])
        bench.append(10, partition: 0, token: 1)
        bench.append(10, partition: 1, token: 2)
        bench.producer.tick(bench.now)
        bench.producer.identified(ProducerIdentity(id: 1, epoch: 0), now: bench.now)
        let request = try #require(bench.take(0))
        bench.answer(request, 90)
        #expect(Set(bench.reports.flatMap(\.tokens)) == [1, 2])
        guard case .refused(let failure) = bench.append(10) else {
            Issue.record("it was taken")
            return
        }
        #expect(failure.reason == .fenced)
    }

    @Test("nothing is sent before a broker has given an id, and refusals of one end it")
    func identity() {
        var bench = Bench {
            $0.isIdempotent = true; $0.acks = .all; $0.lingerMilliseconds = 0
        }
        bench.tell()
        bench.append(10, token: 1)
        bench.wait(0)
        func asks() -> Bool {
            bench.effects.contains { if case .identityNeeded = $0 { true } else { false } }
        }
        #expect(asks())
        #expect(bench.take() == nil)
        bench.producer.identificationFailed(nil, now: bench.now)
        bench.wait(1_000)
        #expect(asks())
        bench.producer.identificationFailed(.clusterAuthorizationFailed, now: bench.now)
        #expect(bench.reports.first?.failure?.reason == .notAuthorized)
    }
}
