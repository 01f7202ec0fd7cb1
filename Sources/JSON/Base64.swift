import Bytes

private let base64Digits: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

extension ByteWriter {
    /// Appends the base64 of `value`: the standard alphabet, padded (RFC 4648 section 4).
    public mutating func base64(_ value: UnsafeRawBufferPointer) {
        guard value.count > 0 else { return }
        let digits = base64Digits.utf8Start
        var out = extend((value.count + 2) / 3 * 4).assumingMemoryBound(to: UInt8.self)
        func put(_ bits: UInt32) {
            out[0] = digits[Int(bits >> 18)]
            out[1] = digits[Int(bits >> 12 & 63)]
            out[2] = digits[Int(bits >> 6 & 63)]
            out[3] = digits[Int(bits & 63)]
            out += 4
        }
        var at = 0
        while at + 3 <= value.count {
            put(UInt32(value[at]) << 16 | UInt32(value[at + 1]) << 8 | UInt32(value[at + 2]))
            at += 3
        }
        let left = value.count - at
        guard left > 0 else { return }
        put(UInt32(value[at]) << 16 | (left > 1 ? UInt32(value[at + 1]) << 8 : 0))
        out[-1] = UInt8(ascii: "=")
        if left == 1 { out[-2] = UInt8(ascii: "=") }
    }
}

/// The bytes of base64 in the standard or the URL-safe alphabet, with or without padding, as the
/// proto3 mapping accepts it. Nil for anything else: other characters, an impossible length, bits
/// set that no byte holds.
public func base64Decoded(_ text: String) -> [UInt8]? {
    var bytes = Array(text.utf8)
    return bytes.decodeBase64(from: 0) ? bytes : nil
}

extension [UInt8] {
    /// Puts what the base64 from `start` on means into its place. False, and nothing of use there,
    /// where it is none; see `base64Decoded`.
    public mutating func decodeBase64(from start: Int) -> Bool {
        let decoded = withUnsafeMutableBytes { decodeBase64InPlace($0, from: start) }
        guard let decoded else { return false }
        removeLast(count - start - decoded)
        return true
    }
}

/// Answers how many bytes there are now; they take less room than their digits did.
private func decodeBase64InPlace(_ text: UnsafeMutableRawBufferPointer, from start: Int) -> Int? {
    var end = text.count
    if end > start, text[end - 1] == UInt8(ascii: "=") {
        guard (end - start) % 4 == 0 else { return nil }
        end -= 1
        if text[end - 1] == UInt8(ascii: "=") { end -= 1 }
    }
    guard (end - start) % 4 != 1 else { return nil }
    var bits: UInt32 = 0
    var held = 0
    var out = start
    for at in start..<end {
        guard let value = base64Value(text[at]) else { return nil }
        bits = bits << 6 | value
        held += 6
        if held >= 8 {
            held -= 8
            text[out] = UInt8(truncatingIfNeeded: bits >> UInt32(held))
            out += 1
        }
    }
    return bits & (1 << UInt32(held) - 1) == 0 ? out - start : nil
}

private func base64Value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case 0x41...0x5a: UInt32(digit - 0x41)
    case 0x61...0x7a: UInt32(digit - 0x61 + 26)
    case 0x30...0x39: UInt32(digit - 0x30 + 52)
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
}
