/// The path of a request target as routes are matched by it: decoded once, and refused where two
/// parsers on the way could read it differently.
enum RequestPath {
    /// nil: a broken escape, an escaped NUL or slash, bytes that are not UTF-8, or a `.` or `..`
    /// segment. A proxy in front resolves those before it applies its own rules; what arrives here
    /// with one has gone around them.
    static func decoded(_ path: String) -> String? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        guard let plain = unescaped(path) else { return nil }
        let segments = plain.utf8.split(separator: UInt8(ascii: "/"))
        let dots = segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
        return dots ? nil : plain
    }

    private static func unescaped(_ path: String) -> String? {
        guard path.utf8.contains(UInt8(ascii: "%")) else { return path }
        var bytes: [UInt8] = []
        var rest = path.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit)
            else { return nil }
            let value = high << 4 | low
            guard value != 0, value != UInt8(ascii: "/") else { return nil }
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
