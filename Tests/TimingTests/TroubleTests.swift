import Testing
import Timing

@Suite struct TroubleTests {
    private func at(_ milliseconds: Int64) -> Instant {
        Instant.zero.adding(milliseconds: milliseconds)
    }

    @Test("each cause is told once, up to a limit, and the end if the beginning was told")
    func once() {
        var trouble = Trouble()
        #expect(trouble.ends(now: at(0)) == false)
        #expect(trouble.begins("a", now: at(0)) == true)
        #expect(trouble.begins("a", now: at(1)) == false)
        let others = (0..<100).count { trouble.begins("\($0)", now: at(2)) }
        #expect(others == Trouble.causesMax - 1)
        #expect(trouble.ends(now: at(3)) == true)
        #expect(trouble.ends(now: at(4)) == false)
    }

    @Test("what begins again soon is told when it has lasted")
    func flapping() {
        var trouble = Trouble()
        #expect(trouble.begins("a", now: at(0)) == true)
        #expect(trouble.ends(now: at(100)) == true)
        for moment in stride(from: Int64(200), to: 10_000, by: 200) {
            #expect(trouble.begins("a", now: at(moment)) == false)
            #expect(trouble.ends(now: at(moment + 100)) == false)
        }
        #expect(trouble.begins("a", now: at(10_100)) == true)
    }
}
