import KafkaProducing
import Testing

@testable import GatewayCore
@testable import Runtime

/// A producer's callers on one side, its loop on the other, which may come at any time.
@Suite struct WaitingAsksTests {
    private var waiting = WaitingAsks()
    private var next: UInt64 = 0
    /// Tokens of records and of asks as the loop got them.
    private var taken: [UInt64] = []

    /// Answers whether a job is to be posted.
    private mutating func produce(bytes: Int = 10) -> Bool {
        let block = waiting.block
        block.appendTopic("t")
        let value = [UInt8](repeating: 1, count: bytes)
        value.withUnsafeBytes { value in
            block.append(
                ProducedRecord(key: nil, value: value, timestamp: 1, token: next), partition: 0)
        }
        next += 1
        return waiting.keep(block)
    }

    private mutating func commit() -> Bool {
        defer { next += 1 }
        return waiting.append(.commit(token: next))
    }

    private mutating func look(
        _ look: WaitingAsks.Look, lingers: Bool = true
    ) -> WaitingAsks.Taken {
        let result = waiting.take(look, lingers: lingers)
        note(result.asks)
        return result
    }

    private mutating func note(_ asks: [ProducerAsk]) {
        for ask in asks {
            switch ask {
            case .records(let block):
                block.forEach(topic: { $0 }) { record, _, _ in taken.append(record.token) }
            case .commit(let token), .flush(let token), .begin(let token), .abort(let token):
                taken.append(token)
            }
        }
    }

    private var isInOrder: Bool { taken == Array(0..<UInt64(taken.count)) }

    @Test mutating func aBlockThatIsFullIsNotOvertakenByTheNext() {
        let first = produce()
        // The loop is busy: this one is full, and what comes then is the first of a new block.
        let full = produce(bytes: WaitingAsks.blockBytesMax)
        let later = produce()
        #expect(first && !full && !later)
        let look = look(.job)
        #expect(taken == [0, 1, 2] && !look.hasMore)
    }

    @Test mutating func anEndOfATransactionIsNotOvertaken() {
        _ = produce()
        let ended = commit()
        _ = produce()
        #expect(!ended)
        _ = look(.job)
        #expect(taken == [0, 1, 2])
    }

    @Test mutating func theLoopIsWokenOnceAndThenForWhatCannotWait() {
        let first = produce()
        let again = produce()
        #expect(first && !again)
        let lookAgain = look(.job).looksAgain
        #expect(lookAgain)
        // A timer is set.
        let small = produce()
        let full = produce(bytes: WaitingAsks.blockBytesMax)
        let ended = commit()
        #expect(!small && full && !ended)
        // The job comes beside the timer, of which there is one.
        let byJob = look(.job).looksAgain
        #expect(!byJob)
        let asked = commit()
        #expect(asked)
        let byTimer = look(.timer).looksAgain
        #expect(byTimer)
        // The job finds nothing: the timer has taken it.
        let late = look(.job)
        #expect(late.asks.isEmpty && !late.looksAgain)
        let last = look(.timer).looksAgain
        #expect(!last && isInOrder && taken.count == 6)
        let anew = produce()
        #expect(anew)
    }

    @Test mutating func noTimerIsSetWhereNothingLingers() {
        _ = produce()
        let again = look(.job, lingers: false).looksAgain
        #expect(!again)
        let wakes = produce()
        #expect(wakes)
    }

    @Test mutating func oneLookTakesSoMuch() {
        for _ in 0..<(2 * WaitingAsks.takenMax) { _ = commit() }
        _ = produce()
        let first = look(.job)
        #expect(first.hasMore && first.asks.count == WaitingAsks.takenMax)
        // The job that takes the rest is on its way.
        let wakes = commit()
        #expect(!wakes)
        var looks = 1
        while look(.job).hasMore { looks += 1 }
        #expect(looks == 2 && isInOrder && taken.count == 2 * WaitingAsks.takenMax + 2)
        #expect(waiting.isEmpty)
    }

    @Test mutating func anythingInAnyOrderStaysInOrder() {
        var random = SystemRandomNumberGenerator()
        var jobs = 0
        var timers = 0
        for _ in 0..<20_000 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: if produce(bytes: WaitingAsks.blockBytesMax) { jobs += 1 }
            case 1: if commit() { jobs += 1 }
            case 2...4: if produce() { jobs += 1 }
            case 5, 6:
                guard jobs > 0 else { continue }
                jobs -= 1
                let result = look(.job)
                if result.hasMore { jobs += 1 }
                if result.looksAgain { timers += 1 }
            default:
                guard timers > 0 else { continue }
                timers -= 1
                let result = look(.timer)
                if result.hasMore { jobs += 1 }
                if result.looksAgain { timers += 1 }
            }
            #expect(jobs <= 1 && timers <= 1)
            #expect(waiting.isEmpty || jobs + timers > 0, "nobody comes")
        }
        note(waiting.takeAll())
        #expect(isInOrder && taken.count == next)
        #expect(waiting.isEmpty)
    }
}
