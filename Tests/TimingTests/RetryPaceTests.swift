import Testing

@testable import Timing

@Suite struct RetryPaceTests {
    private func moment(_ milliseconds: Int64) -> Instant {
        .zero.adding(milliseconds: milliseconds)
    }

    @Test("Each pause is longer than the one before, up to the longest, until there is progress")
    func growth() throws {
        var random = SeededRandom(seed: 1)
        var pace = RetryPace(initialMilliseconds: 100, maximumMilliseconds: 400)
        #expect(pace.allows(.zero))
        var now = Instant.zero
        for expected in [80...120, 160...240, 320...480, 320...480] as [ClosedRange<Int64>] {
            pace.delay(from: now, &random)
            let end = try #require(pace.retryAt)
            #expect(expected.contains(end.milliseconds(since: now)))
            #expect(!pace.allows(now) && pace.allows(end))
            now = end
        }
        pace.reset()
        #expect(pace.allows(.zero) && pace.retryAt == nil)
        pace.delay(from: now, &random)
        #expect((pace.retryAt ?? .zero).milliseconds(since: now) <= 120)
    }

    @Test("Attempts that fail together make one pause")
    func together() {
        var random = SeededRandom(seed: 2)
        var pace = RetryPace(initialMilliseconds: 100, maximumMilliseconds: 400)
        pace.delay(from: .zero, &random)
        let end = pace.retryAt
        pace.delay(from: moment(10), &random)
        pace.delayButFirst(from: moment(20), &random)
        #expect(pace.retryAt == end)
    }

    @Test("The first attempt may be repeated at once, the second not")
    func first() {
        var random = SeededRandom(seed: 3)
        var pace = RetryPace(initialMilliseconds: 100, maximumMilliseconds: 400)
        pace.delayButFirst(from: .zero, &random)
        #expect(pace.retryAt == nil)
        pace.delayButFirst(from: .zero, &random)
        #expect(pace.retryAt.map { $0 >= moment(160) } == true)
        // Nobody waits for the rest, but the next pause is longer still.
        pace.endPause()
        pace.delay(from: .zero, &random)
        #expect(pace.retryAt.map { $0 >= moment(320) } == true)
    }

    @Test("A pause may be asked to be longer, within the longest")
    func least() {
        var random = SeededRandom(seed: 4)
        var pace = RetryPace(initialMilliseconds: 10, maximumMilliseconds: 400)
        pace.delay(from: .zero, atLeast: 300, &random)
        #expect(pace.retryAt == moment(300))
        // Of attempts that fail together the one that asks for most counts.
        pace.delay(from: moment(50), atLeast: 350, &random)
        #expect(pace.retryAt == moment(400))
        pace.reset()
        pace.delay(from: .zero, atLeast: 1_000, &random)
        #expect(pace.retryAt == moment(400))
    }
}
