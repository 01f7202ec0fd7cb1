import Bytes

extension ByteWriter {
    /// Appends the base64 of `value`: the standard alphabet, padded (RFC 4648 section 4).
    public mutating func base64(_ value: UnsafeRawBufferPointer) {
        guard value.count > 0 else { return }
        let groups = (value.count + 2) / 3
        let out = extend(groups * 4).assumingMemoryBound(to: UInt8.self)
        for group in 0..<groups {
            let left = value.count - group * 3
            let a = UInt32(value[group * 3])
            let b = left > 1 ? UInt32(value[group * 3 + 1]) : 0
            let c = left > 2 ? UInt32(value[group * 3 + 2]) : 0
            let bits = a << 16 | b << 8 | c
            out[group * 4] = base64Digit(bits >> 18)
            out[group * 4 + 1] = base64Digit(bits >> 12 & 63)
            out[group * 4 + 2] = left > 1 ? base64Digit(bits >> 6 & 63) : UInt8(ascii: "=")
            out[group * 4 + 3] = left > 2 ? base64Digit(bits & 63) : UInt8(ascii: "=")
        }
    }
}

private func base64Digit(_ value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value)
    return switch value {
    case 0..<26: value + 0x41
    case 26..<52: value + 0x61 - 26
    case 52..<62: value + 0x30 - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
}

/// The bytes of base64 in the standard or the URL-safe alphabet, with or without padding, as the
/// proto3 mapping accepts it. Nil for anything else: other characters, an impossible length, bits
/// set that no byte holds.
public func base64Decoded(_ text: String) -> [UInt8]? {
    var digits = Array(text.utf8)
    if digits.last == UInt8(ascii: "=") {
        guard digits.count % 4 == 0 else { return nil }
        digits.removeLast()
        if digits.last == UInt8(ascii: "=") { digits.removeLast() }
    }
    guard digits.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count * 3 / 4)
    var bits: UInt32 = 0
    var held = 0
    for digit in digits {
        guard let value = base64Value(digit) else { return nil }
        bits = bits << 6 | value
        held += 6
        if held >= 8 {
            held -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
        }
    }
    return bits & (1 << UInt32(held) - 1) == 0 ? bytes : nil
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
