import WebSocketProtocol

/// The path of a request target as routes are matched by it: decoded once, and refused where two
/// parsers on the way could read it differently.
enum RequestPath {
    /// nil: a broken escape, an escaped NUL or slash, bytes that are not UTF-8, or a `.` or `..`
    /// segment. A proxy in front resolves those before it applies its own rules; what arrives here
    /// with one has gone around them.
    static func decoded(_ path: String) -> String? {
        let slash = UInt8(ascii: "/")
        guard path.utf8.first == slash,
            let bytes = PercentEncoding.decoded(path, refusing: { $0 == 0 || $0 == slash }),
            let plain = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let segments = plain.utf8.split(separator: slash)
        let dots = segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
        return dots ? nil : plain
    }
}
