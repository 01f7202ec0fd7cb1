import Testing
import Timing

@testable import GatewayCore

@Suite struct CommandPaceTests {
    private func at(_ milliseconds: Int64) -> Instant {
        Instant.zero.adding(milliseconds: 1_000_000 + milliseconds)
    }

    @Test("a second's commands may come at once, and then as they are allowed")
    func burst() throws {
        var pace = try #require(CommandPace(perSecond: 10))
        for _ in 0..<10 { #expect(pace.take(at(0)) == .go) }
        #expect(pace.refuses(at(0)) && pace.take(at(0)) == .refuse)
        // One more is allowed every 100 ms.
        #expect(pace.take(at(99)) == .refuse)
        #expect(pace.take(at(101)) == .go)
        #expect(pace.take(at(101)) == .refuse)
        #expect(pace.take(at(5_000)) == .go)
    }

    @Test("whoever goes on for ten seconds' worth of refusals is closed")
    func patience() throws {
        var pace = try #require(CommandPace(perSecond: 5))
        for _ in 0..<5 { _ = pace.take(at(0)) }
        for _ in 0..<50 { #expect(pace.take(at(0)) == .refuse) }
        #expect(pace.take(at(0)) == .close)
    }

    @Test("refusals with a second between them are forgotten")
    func forgiven() throws {
        var pace = try #require(CommandPace(perSecond: 1))
        var moment: Int64 = 0
        for _ in 0..<40 {
            #expect(pace.take(at(moment)) == .go)
            #expect(pace.take(at(moment)) == .refuse)
            moment += 1_001
        }
    }

    @Test("no limit is none", arguments: [0, -1])
    func none(_ perSecond: Int) {
        #expect(CommandPace(perSecond: perSecond) == nil)
    }
}
