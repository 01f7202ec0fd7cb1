/// The path of a request as routes are matched by it: one rule for every door. What two servers on
/// the way could read as two paths is refused, never resolved: a proxy in front may have applied
/// its own rules to the other reading.
public enum RequestPath {
    /// Decoded once. nil: a broken escape or bytes that are not UTF-8; an escaped slash; a
    /// backslash, which browsers and some servers take for a slash; a control character; an empty
    /// segment before the last, or a `.` or `..` segment, which some keep and others resolve.
    static func decoded(_ path: some StringProtocol) -> String? {
        guard path.utf8.first == slash,
            let bytes = PercentEncoding.decoded(path, refusing: { $0 == slash }),
            isPossible(bytes, asPrefix: false)
        else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Whether a request can have this path, as decoded, or one that begins so.
    public static func isPossible(_ path: String, asPrefix: Bool) -> Bool {
        path.utf8.first == slash && isPossible([UInt8](path.utf8), asPrefix: asPrefix)
    }

    private static func isPossible(_ path: [UInt8], asPrefix: Bool) -> Bool {
        guard !path.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
            return false
        }
        let segments = path.dropFirst().split(separator: slash, omittingEmptySubsequences: false)
        // The last one may be empty; and that of a prefix may go on.
        guard !segments.dropLast().contains(where: \.isEmpty) else { return false }
        return !segments.dropLast(asPrefix ? 1 : 0).contains(where: isDots)
    }

    private static let slash = UInt8(ascii: "/")

    /// Servlet containers cut off what stands behind a semicolon: `..;x` is `..` to them.
    private static func isDots(_ segment: ArraySlice<UInt8>) -> Bool {
        let name = segment.prefix { $0 != UInt8(ascii: ";") }
        return name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8)
    }
}
