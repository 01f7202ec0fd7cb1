import Testing

@testable import GatewayCore
@testable import KafkaCore

/// Few read evicted records of one log again at a time, in the order of their coming.
@Suite struct RereadQueueTests {
    private let cache = LogCache()
    private func log(_ partition: Int32) -> PartitionLog {
        PartitionLog(topic: "t", partition: partition, cache: cache)
    }

    private func next(_ queue: inout RereadQueue, _ log: PartitionLog) -> UInt64? {
        queue.next(log)?.raw
    }

    @Test("who is one too many waits, and begins when another one is done")
    func line() {
        var queue = RereadQueue()
        let (one, other) = (log(0), log(1))
        for number in 1...UInt64(RereadQueue.atOnceMax) {
            let mayBegin = queue.begin(one, SessionID(raw: number))
            #expect(mayBegin)
        }
        for number in [100, 101, 102] as [UInt64] {
            let mayBegin = queue.begin(one, SessionID(raw: number))
            #expect(!mayBegin)
        }
        let others = queue.begin(other, SessionID(raw: 200))
        #expect(others, "another log's broker may answer")
        let next1 = next(&queue, one)
        #expect(next1 == nil)
        queue.end(one)
        let next2 = next(&queue, one)
        #expect(next2 == 100)
        let next3 = next(&queue, one)
        #expect(next3 == 101)
        let again = queue.begin(one, SessionID(raw: 101))
        #expect(again)
        let next4 = next(&queue, one)
        #expect(next4 == nil)
    }
}
