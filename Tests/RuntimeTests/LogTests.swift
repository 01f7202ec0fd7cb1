import Synchronization
import Testing
import Timing

@testable import Runtime

struct LogTests {
    @Test func controlCharactersCannotForgeLines() {
        let line = LogSink.clean("a\nb\r\u{1b}[31m\u{7f}\u{85}c\u{0}")
        #expect(line == "a\\x0ab\\x0d\\x1b[31m\\x7f\\x85c\\x00")
        #expect(LogSink.clean("Grüße, 世界") == "Grüße, 世界")
    }

    @Test("text does not turn the direction in which a line is read")
    func directions() {
        #expect(LogSink.clean("a\u{202e}b\u{2028}c") == "a\\u{202e}b\\u{2028}c")
    }

    private final class Lines: Sendable {
        let all = Mutex<[(Int32, String)]>([])
    }

    @Test("a flood of warnings hides no error")
    func errorsHaveABudgetOfTheirOwn() throws {
        let (sink, lines) = (LogSink(), Lines())
        let argument = Unmanaged.passUnretained(lines).toOpaque()
        try sink.set(
            level: .debug,
            { argument, level, text, _ in
                guard let argument, let text else { return }
                let lines = Unmanaged<Lines>.fromOpaque(argument).takeUnretainedValue()
                lines.all.withLock { $0.append((level, String(cString: text))) }
            }, argument)
        for _ in 0..<5_000 { sink.write(.warning, "flood") }
        for number in 0..<100 { sink.write(.error, "broken \(number)") }
        let errors = lines.all.withLock { $0.filter { $0.0 == HostLogLevel.error.rawValue } }
        #expect(errors.count == 100)
        #expect(lines.all.withLock { $0.count } < 1_000)
    }

    @Test func longLinesAreCut() {
        let line = LogSink.clean(String(repeating: "é", count: 5000))
        #expect(line.utf8.count <= LogSink.lineBytesMax + 3)
        #expect(line.hasSuffix("..."))
    }

    @Test func aBurstPassesAndThenAHundredASecond() {
        var now = Instant.zero
        var limit = LineLimit(now: now)
        var passed = 0
        for _ in 0..<1000 where limit.pass(now: now) != nil { passed += 1 }
        #expect(passed == 200)
        now = now.adding(milliseconds: 10)
        #expect(limit.pass(now: now) == 800)
        #expect(limit.pass(now: now) == nil)
        now = now.adding(milliseconds: 1000)
        passed = 0
        for _ in 0..<1000 where limit.pass(now: now) != nil { passed += 1 }
        #expect(passed == 100)
        now = now.adding(milliseconds: .max)
        #expect(limit.pass(now: now) == 900)
    }

    @Test func lastErrorIsCutBetweenCharacters() {
        LastError.set(String(repeating: "é", count: 2000))
        let text = String(cString: LastError.pointer)
        #expect(text.utf8.count == 2046)
        #expect(text == String(repeating: "é", count: 1023))
        LastError.set("")
        #expect(String(cString: LastError.pointer) == "")
    }
}
