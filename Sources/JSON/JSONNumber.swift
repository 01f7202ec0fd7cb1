/// A number as it was written. Nothing is rounded until somebody asks for a type.
public struct JSONNumber: Equatable, Sendable {
    public let text: String

    /// Nil if `text` is not a number by RFC 8259 section 6.
    public init?(_ text: String) {
        var text = text
        let whole = text.withUTF8 { utf8 in
            utf8.count > 0
                && JSONNumber.length(at: 0, in: UnsafeRawBufferPointer(utf8)) == utf8.count
        }
        guard whole else { return nil }
        self.text = text
    }

    init(checked text: String) { self.text = text }

    /// The exact value, if it is an integer within 64 bits: `12`, `-0`, `1.50e2`.
    public var int64: Int64? {
        var text = text
        return text.withUTF8 { JSONNumber.int64(UnsafeRawBufferPointer($0)) }
    }

    /// The length of the number that starts at `start`, 0 if none does. `-`? int frac? exp?
    static func length(at start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        var at = start
        func byte() -> UInt8? { at < bytes.count ? bytes[at] : nil }
        func digits() -> Int {
            let first = at
            while let digit = byte(), digit &- 0x30 < 10 { at += 1 }
            return at - first
        }
        if byte() == UInt8(ascii: "-") { at += 1 }
        if byte() == UInt8(ascii: "0") { at += 1 } else if digits() == 0 { return 0 }
        if byte() == UInt8(ascii: ".") {
            at += 1
            if digits() == 0 { return 0 }
        }
        if byte() == UInt8(ascii: "e") || byte() == UInt8(ascii: "E") {
            at += 1
            if byte() == UInt8(ascii: "+") || byte() == UInt8(ascii: "-") { at += 1 }
            if digits() == 0 { return 0 }
        }
        return at - start
    }

    /// Of a text that is a number. Digits are counted, not converted, so that no text overflows
    /// anything and none takes longer than its length.
    private static func int64(_ text: UnsafeRawBufferPointer) -> Int64? {
        let negative = text[0] == UInt8(ascii: "-")
        var magnitude: UInt64 = 0
        var tooBig = false
        // Zeroes seen behind the last digit that is none; they count only if another follows.
        var zeroes = 0
        var exponent = 0
        var behindPoint = false
        var at = negative ? 1 : 0
        while at < text.count, text[at] | 0x20 != UInt8(ascii: "e") {
            let byte = text[at]
            at += 1
            if byte == UInt8(ascii: ".") {
                behindPoint = true
                continue
            }
            if behindPoint { exponent -= 1 }
            if byte == UInt8(ascii: "0") {
                zeroes += 1
                continue
            }
            tooBig = !append(digit: 0, times: zeroes, to: &magnitude) || tooBig
            zeroes = 0
            tooBig = !append(digit: UInt64(byte - 0x30), times: 1, to: &magnitude) || tooBig
        }
        if magnitude == 0 && !tooBig { return 0 }
        let total = exponent + zeroes + explicitExponent(text, from: at)
        guard !tooBig, total >= 0, append(digit: 0, times: total, to: &magnitude) else {
            return nil
        }
        if negative { return magnitude <= 1 << 63 ? 0 &- Int64(bitPattern: magnitude) : nil }
        return Int64(exactly: magnitude)
    }

    /// Answers false on overflow.
    private static func append(digit: UInt64, times: Int, to magnitude: inout UInt64) -> Bool {
        guard magnitude != 0 || digit != 0 else { return true }
        // 2^64 has 20 digits: more zeroes overflow whatever stands in front of them.
        guard times <= 20 else { return false }
        for _ in 0..<times {
            let (product, over) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(digit)
            if over || carry { return false }
            magnitude = sum
        }
        return true
    }

    /// The number behind `e`, cut off where it is beyond any use.
    private static func explicitExponent(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var at = start + 1
        guard at < text.count else { return 0 }
        let negative = text[at] == UInt8(ascii: "-")
        if negative || text[at] == UInt8(ascii: "+") { at += 1 }
        var value = 0
        while at < text.count {
            value = min(value * 10 + Int(text[at] - 0x30), 1 << 40)
            at += 1
        }
        return negative ? -value : value
    }
}
