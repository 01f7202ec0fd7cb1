/// Where a request goes (RFC 9112 section 3.2): the origin form, or the absolute form, which a
/// server must understand too.
struct RequestTarget {
    /// Decoded and without dot segments and doubled slashes, as nginx matches its locations:
    /// a route for "/public" must not be open to "/public/../private".
    let path: String
    /// As sent, without the question mark; nil when there is none.
    let query: String?
    /// Of the absolute form only.
    let authority: Authority?

    init(_ target: String) throws(HTTPRejection) {
        let (authority, rest) = try Self.splitAuthority(target)
        guard rest.hasPrefix("/"), !rest.utf8.contains(UInt8(ascii: "#")) else {
            throw .malformed("the request target is malformed")
        }
        let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?"))
        self.authority = authority
        query = mark.map { String(rest[rest.utf8.index(after: $0)...]) }
        guard let path = Self.normalized(rest[..<(mark ?? rest.endIndex)]) else {
            throw .malformed("the path of the request target is malformed")
        }
        self.path = path
    }

    private static func splitAuthority(
        _ target: String
    ) throws(HTTPRejection) -> (Authority?, Substring) {
        if target.hasPrefix("/") { return (nil, Substring(target)) }
        guard let colon = target.utf8.firstIndex(of: UInt8(ascii: ":")),
            ["http", "https", "ws", "wss"].contains(
                HTTPGrammar.lowercased(target[..<colon])),
            target[colon...].hasPrefix("://")
        else { throw .malformed("the request target is malformed") }
        let behind = target[target.index(colon, offsetBy: 3)...]
        let end = behind.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
        guard let authority = Authority(behind[..<(end ?? behind.endIndex)]) else {
            throw .malformed("the request target is malformed")
        }
        let rest = end.map { behind[$0...] } ?? ""
        return (authority, rest.hasPrefix("/") ? rest : "/" + rest)
    }

    /// nil when an escape is broken, decodes to NUL or to bytes that are not UTF-8, or when the
    /// path climbs above its root.
    private static func normalized(_ path: Substring) -> String? {
        guard let decoded = PercentEncoding.decoded(path, refusing: { $0 == 0 }) else { return nil }
        var segments: [ArraySlice<UInt8>] = []
        let parts = decoded.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
        for part in parts {
            if part.elementsEqual(".".utf8) { continue }
            guard part.elementsEqual("..".utf8) else {
                segments.append(part)
                continue
            }
            guard segments.popLast() != nil else { return nil }
        }
        var bytes: [UInt8] = []
        for segment in segments { bytes += [UInt8(ascii: "/")] + segment }
        if bytes.isEmpty || endsAsDirectory(decoded, parts.last) { bytes.append(UInt8(ascii: "/")) }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func endsAsDirectory(_ path: [UInt8], _ last: ArraySlice<UInt8>?) -> Bool {
        guard path.last != UInt8(ascii: "/") else { return true }
        guard let last else { return true }
        return last.elementsEqual(".".utf8) || last.elementsEqual("..".utf8)
    }
}
