import Glibc
import Runtime
import Synchronization
import Testing

struct EventQueueTests {
    final class Owner {}
    let owner = Owner()

    func makeQueue(log: Bool = false) throws -> EventQueue {
        try EventQueue(owner: ObjectIdentifier(owner), takesLog: log)
    }

    func isReadable(_ queue: EventQueue) -> Bool {
        var interest = pollfd(fd: queue.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&interest, 1, 0) == 1
    }

    func closed(_ session: UInt64, _ reason: String = "") -> QueueEvent {
        var event = QueueEvent(.closed)
        event.session = session
        event.text = reason
        return event
    }

    func take(_ queue: EventQueue, _ limit: Int) throws -> [UInt64] {
        var sessions: [UInt64] = []
        _ = try queue.take(limit: limit) { _, event, _ in sessions.append(event.session) }
        return sessions
    }

    @Test func isReadableExactlyWhileEventsWait() throws {
        let queue = try makeQueue()
        #expect(!isReadable(queue))
        for session in 1...3 { queue.push(closed(UInt64(session))) }
        #expect(isReadable(queue))
        #expect(try take(queue, 2) == [1, 2])
        #expect(isReadable(queue))
        #expect(try take(queue, 2) == [3])
        #expect(!isReadable(queue))
        #expect(try take(queue, 2) == [])
        queue.push(closed(4))
        #expect(isReadable(queue))
        #expect(try take(queue, 2) == [4])
    }

    @Test func whatWasToldOtherwiseIsToldAgainWhenATakeLeavesIt() throws {
        let queue = try makeQueue()
        for session in 1...3 { queue.push(closed(UInt64(session)), isQuiet: true) }
        #expect(!isReadable(queue))
        #expect(try take(queue, 1) == [1])
        #expect(isReadable(queue))
        #expect(try take(queue, 2) == [2, 3])
        #expect(!isReadable(queue))
    }

    @Test func textStaysUntilTheNextTake() throws {
        let queue = try makeQueue()
        queue.push(closed(1, "the first"))
        queue.push(closed(2, "the second"))
        var kept: [UnsafeRawBufferPointer] = []
        _ = try queue.take(limit: 8) { _, _, text in kept.append(text) }
        #expect(kept.map { String(decoding: $0, as: UTF8.self) } == ["the first", "the second"])
        // A C host may read it as a string.
        #expect(kept[0].baseAddress?.load(fromByteOffset: 9, as: UInt8.self) == 0)
    }

    @Test func dataMayHoldAnyByte() throws {
        let queue = try makeQueue()
        var event = QueueEvent(.closed)
        event.data = EventData([0, 0xff, 0])
        queue.push(event)
        _ = try queue.take(limit: 1) { _, _, bytes in #expect(Array(bytes) == [0, 0xff, 0]) }
    }

    final class Ledger: EventReceipt {
        let left = Mutex<[Int]>([])
        func eventLeft(byteCount: Int) { left.withLock { $0.append(byteCount) } }
    }

    @Test func senderLearnsThatItsEventsWereTakenOrDropped() throws {
        let queue = try makeQueue()
        let ledger = Ledger()
        for weight in 1...3 {
            var event = QueueEvent(.closed)
            event.byteCount = weight
            event.receipt = ledger
            #expect(queue.push(event))
        }
        #expect(try take(queue, 1).count == 1)
        #expect(ledger.left.withLock { $0 } == [1])
        queue.destroy()
        #expect(ledger.left.withLock { $0 } == [1, 2, 3])
        #expect(!queue.push(closed(1)))
    }

    @Test func logLinesAreBoundedAndCounted() throws {
        let queue = try makeQueue(log: true)
        for number in 0..<1010 {
            var event = QueueEvent(.log)
            event.text = "line \(number)"
            queue.push(event)
        }
        #expect(queue.waitingCount == 1000)
        #expect(try take(queue, 2000).count == 1000)
        var event = QueueEvent(.log)
        event.text = "after"
        queue.push(event)
        var text = ""
        _ = try queue.take(limit: 1) { _, _, bytes in
            text = String(decoding: bytes, as: UTF8.self)
        }
        #expect(text == "(10 lines dropped before) after")
    }

    @Test func aDestroyedQueueTakesNothing() throws {
        let queue = try makeQueue()
        queue.push(closed(1))
        queue.destroy()
        queue.push(closed(2))
        #expect(queue.waitingCount == 0)
        #expect(throws: Failure.self) { try take(queue, 1) }
        // A thread that waits on it wakes up.
        #expect(isReadable(queue))
    }

    @Test func smallBatchesDoNotKeepWhatWasTaken() throws {
        let queue = try makeQueue()
        var next: UInt64 = 0
        for round in 0..<5000 {
            queue.push(closed(UInt64(2 * round)))
            queue.push(closed(UInt64(2 * round + 1)))
            #expect(try take(queue, 1) == [next])
            next += 1
        }
        #expect(queue.waitingCount == 5000)
    }

    @Test("lines that fill a queue leave room for errors")
    func errorLines() throws {
        let queue = try makeQueue(log: true)
        func push(_ level: HostLogLevel, _ text: String) {
            var event = QueueEvent(.log)
            event.code = level.rawValue
            event.text = text
            queue.push(event)
        }
        for _ in 0..<5_000 { push(.warning, "flood") }
        push(.error, "broken")
        var texts: [String] = []
        _ = try queue.take(limit: 10_000) { _, event, _ in texts.append(event.text) }
        #expect(texts.count == 1_001 && texts.last == "(4000 lines dropped before) broken")
    }
}
