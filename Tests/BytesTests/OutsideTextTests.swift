import Bytes
import Testing

@Suite struct OutsideTextTests {
    @Test("controls, line separators and marks of direction are escaped, other text is not")
    func escapes() {
        #expect(
            OutsideText.cleaned("a\u{0}\n\u{7f}\u{85}\u{2028}\u{202e}\u{2066}\u{feff}b")
                == "a\\u{0}\\u{a}\\u{7f}\\u{85}\\u{2028}\\u{202e}\\u{2066}\\u{feff}b")
        #expect(OutsideText.cleaned("Grüße, \"世界\" \\") == "Grüße, \"世界\" \\")
        #expect(OutsideText.quoted("a\"\\\n") == "\"a\\u{22}\\u{5c}\\u{a}\"")
    }

    @Test("long text is cut, whatever it costs escaped")
    func cut() {
        let long = OutsideText.cleaned(String(repeating: "\u{202e}", count: 100_000))
        #expect(long.utf8.count == 200 * 8 + 3 && long.hasSuffix("..."))
        #expect(OutsideText.cleaned(String(repeating: "x", count: 200)).utf8.count == 200)
    }
}
