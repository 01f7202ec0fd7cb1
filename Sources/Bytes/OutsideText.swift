/// Text of a peer, or of anybody else outside of this process, as it may stand in a log, a message
/// or a close reason: cut, and without what would forge a line or turn the reading direction.
public enum OutsideText {
    /// What a sentence needs. Longer texts end in "...".
    public static let scalarsMax = 200

    public static func cleaned(_ text: String, scalarsMax: Int = scalarsMax) -> String {
        var cleaned = ""
        var left = scalarsMax
        for scalar in text.unicodeScalars {
            guard left > 0 else { return cleaned + "..." }
            left -= 1
            if isUnsafe(scalar) {
                cleaned += escape(scalar)
            } else {
                cleaned.unicodeScalars.append(scalar)
            }
        }
        return cleaned
    }

    /// In quotes, so that nobody's text is taken for ours.
    public static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars.prefix(scalarsMax) {
            if isUnsafe(scalar) || scalar == "\"" || scalar == "\\" {
                quoted += escape(scalar)
            } else {
                quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Controls (C0, DEL, C1), line and paragraph separators, marks and overrides of direction.
    public static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        "\\u{\(String(scalar.value, radix: 16))}"
    }
}
