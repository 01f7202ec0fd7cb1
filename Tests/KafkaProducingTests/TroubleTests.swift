import Compression
import KafkaProtocol
import TestSupport
import Testing
import Timing

@testable import KafkaProducing

@Suite("What goes wrong")
struct TroubleTests {
    @Test("a batch that is too large is sent in halves, a record alone fails")
    func split() throws {
        var driven = DrivenProducer { $0.lingerMilliseconds = 0 }
        driven.tell()
        for token: UInt64 in 1...3 { driven.append(100, token: token) }
        driven.answer(try #require(driven.take()), 10)
        let first = try #require(driven.take())
        #expect(first.recordCounts == [1])
        driven.answer(first, 10)
        #expect(driven.reports.map(\.tokens) == [[1]])
        driven.wait(1)
        let second = try #require(driven.take())
        #expect(second.recordCounts == [2])
        driven.answer(second, offset: 7)
        let report = try #require(driven.reports.first)
        #expect(report.tokens == [2, 3])
    }

    @Test("records that a broker names fail alone, their neighbours are stored")
    func recordErrors() throws {
        for codec in [Codec.none, .gzip] {
            let driven = DrivenProducer {
                $0.lingerMilliseconds = 0; $0.compression = codec
            }
            driven.tell()
            for token: UInt64 in 1...4 { driven.append(100, token: token, key: [1]) }
            let request = try #require(driven.take())
            driven.producer.answered(
                request.id,
                [
                    ProduceAnswer(
                        topic: "t", partition: 0, code: 87,
                        recordErrors: [(1, "no key"), (2, nil)], text: "bad batch")
                ], now: driven.now)
            let failed = driven.reports
            #expect(failed.map(\.tokens) == [[2], [3]])
            #expect(failed[0].failure?.text == "INVALID_RECORD: no key")
            #expect(failed[1].failure?.text == "INVALID_RECORD: bad batch")
            let rest = try #require(driven.take())
            #expect(rest.recordCounts == [2])
            driven.answer(rest)
            #expect(driven.reports.map(\.tokens) == [[1, 4]])
            #expect(driven.producer.bufferedBytes > 0)
        }
    }

    @Test("a refusal that nothing helps against fails the batch and nothing else")
    func refused() throws {
        let driven = DrivenProducer { $0.lingerMilliseconds = 0 }
        driven.tell([0, 0])
        driven.append(10, partition: 0, token: 1)
        driven.append(10, partition: 1, token: 2)
        let request = try #require(driven.take())
        driven.producer.answered(
            request.id,
            [
                ProduceAnswer(topic: "t", partition: 1, code: 0, baseOffset: 3),
                ProduceAnswer(topic: "t", partition: 0, code: 29),
            ], now: driven.now)
        let reports = driven.reports
        #expect(reports.first { $0.tokens == [1] }?.failure?.reason == .notAuthorized)
        #expect(reports.first { $0.tokens == [2] }?.failure == nil)
    }

    @Test("what a broker does not tell of is asked again")
    func missing() throws {
        var driven = DrivenProducer { $0.lingerMilliseconds = 0 }
        driven.tell()
        driven.append(10, token: 1)
        let request = try #require(driven.take())
        driven.producer.answered(request.id, [], now: driven.now)
        #expect(driven.reports.isEmpty)
        #expect(driven.take() == nil)
        driven.wait(1_000)
        #expect(driven.take()?.recordCounts == [1])
    }

    @Test("a hint moves a partition at once, an older one does not")
    func hint() throws {
        let driven = DrivenProducer { $0.lingerMilliseconds = 0 }
        driven.tell([0], epoch: 5)
        driven.append(10)
        let request = try #require(driven.take())
        func hint(_ id: ProduceRequestID, _ leader: Int32, _ epoch: Int32) {
            driven.producer.answered(
                id,
                [
                    ProduceAnswer(
                        topic: "t", partition: 0, code: 6,
                        leader: PartitionLeader(index: 0, leader: leader, epoch: epoch))
                ], now: driven.now)
        }
        hint(request.id, 2, 6)
        let moved = try #require(driven.take(2))
        hint(moved.id, 1, 4)
        #expect(driven.take(1) == nil)
    }

    @Test("a record that cannot be delivered in time is told so, and whether it may be stored")
    func deadline() throws {
        for isSent in [false, true] {
            var driven = DrivenProducer {
                $0.lingerMilliseconds = 0
                $0.deliveryTimeoutMilliseconds = 1_000
            }
            driven.tell()
            driven.append(10, token: 1)
            if isSent { _ = try #require(driven.take()) }
            driven.wait(1_000)
            let failure = try #require(driven.reports.first?.failure)
            #expect(failure.reason == .timedOut)
            #expect(failure.mayBeStored == isSent)
        }
    }

    /// One that has had a batch of one record stored.
    private func proven(_ change: (inout ProducerSettings) -> Void = { _ in }) throws
        -> DrivenProducer
    {
        let driven = DrivenProducer {
            $0.isIdempotent = true
            $0.acks = .all
            $0.lingerMilliseconds = 0
            change(&$0)
        }
        driven.tell()
        driven.append(10)
        driven.producer.tick(driven.now)
        driven.producer.identified(ProducerIdentity(id: 1, epoch: 0), now: driven.now)
        let first = try #require(driven.take())
        #expect(first.place == [0, 0])
        driven.answer(first)
        return driven
    }

    @Test("what is behind a batch that fails begins anew if it may still arrive under its number")
    func gapBeforeWhatIsOnItsWay() throws {
        var driven = try proven()
        driven.append(10, token: 2)
        let failing = try #require(driven.take())
        driven.append(10, token: 3)
        let behind = try #require(driven.take())
        #expect(failing.place == [0, 1] && behind.place == [0, 2])
        driven.answer(failing, 29)
        driven.answer(behind, 45)
        driven.wait(1_000)
        #expect(driven.take()?.place == [1, 0])
    }

    @Test("what is behind a batch that fails moves up if nothing of it is on its way")
    func gapBeforeWhatWasRefused() throws {
        var driven = try proven()
        driven.append(10, token: 2)
        let failing = try #require(driven.take())
        driven.append(10, token: 3)
        let behind = try #require(driven.take())
        // Answered in another order, as over another connection.
        driven.answer(behind, 45)
        driven.answer(failing, 29)
        driven.wait(1_000)
        #expect(driven.take()?.place == [0, 1])
    }

    @Test("two lost batches that may still arrive one behind the other are stored once")
    func latePair() throws {
        var driven = try proven { $0.deliveryTimeoutMilliseconds = 10_000 }
        driven.append(10, token: 2)
        let first = try #require(driven.take())
        driven.wait(5_000)
        driven.append(10, token: 3)
        let second = try #require(driven.take())
        driven.producer.lost(first.id, now: driven.now)
        driven.producer.lost(second.id, now: driven.now)
        // The first is given up; nobody knows whether it is stored.
        driven.wait(5_000)
        #expect(driven.reports.last?.failure?.mayBeStored == true)
        let again = try #require(driven.take())
        #expect(again.place == [0, 2])
        driven.answer(again, 45)
        driven.wait(1_000)
        let still = try #require(driven.take())
        #expect(still.place == [0, 2])
        driven.answer(still, 0)
        #expect(driven.reports.last?.tokens == [3])
    }

    @Test("a fenced producer fails everything, and takes nothing any more")
    func fenced() throws {
        let driven = DrivenProducer {
            $0.isIdempotent = true; $0.acks = .all; $0.lingerMilliseconds = 0
        }
        driven.tell([0, 1])
        driven.append(10, partition: 0, token: 1)
        driven.append(10, partition: 1, token: 2)
        driven.producer.tick(driven.now)
        driven.producer.identified(ProducerIdentity(id: 1, epoch: 0), now: driven.now)
        let request = try #require(driven.take(0))
        driven.answer(request, 90)
        #expect(Set(driven.reports.flatMap(\.tokens)) == [1, 2])
        guard case .refused(let failure) = driven.append(10) else {
            Issue.record("it was taken")
            return
        }
        #expect(failure.reason == .fenced)
    }

    @Test("nothing is sent before a broker has given an id, and refusals of one end it")
    func identity() {
        var driven = DrivenProducer {
            $0.isIdempotent = true; $0.acks = .all; $0.lingerMilliseconds = 0
        }
        driven.tell()
        driven.append(10, token: 1)
        driven.wait(0)
        func asks() -> Bool {
            driven.effects.contains { if case .identityNeeded = $0 { true } else { false } }
        }
        #expect(asks())
        #expect(driven.take() == nil)
        driven.producer.identificationFailed(nil, now: driven.now)
        driven.wait(1_000)
        #expect(asks())
        driven.producer.identificationFailed(.clusterAuthorizationFailed, now: driven.now)
        #expect(driven.reports.first?.failure?.reason == .notAuthorized)
    }
}
