/// Where a request goes (RFC 9112 section 3.2): the origin form, or the absolute form, which a
/// server must understand too.
public struct RequestTarget: Equatable, Sendable {
    /// Decoded, as `RequestPath` says.
    public let path: String
    /// As sent, without the question mark; nil when there is none.
    public let query: String?
    /// Of the absolute form only.
    let authority: Authority?

    init(_ target: String) throws(HTTPRejection) {
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .malformed("the request target holds a character that must be encoded")
        }
        let (authority, rest) = try Self.splitAuthority(target)
        guard rest.hasPrefix("/"), !rest.utf8.contains(UInt8(ascii: "#")) else {
            throw .malformed("the request target is malformed")
        }
        let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?"))
        self.authority = authority
        query = mark.map { String(rest[rest.utf8.index(after: $0)...]) }
        guard let path = RequestPath.decoded(rest[..<(mark ?? rest.endIndex)]) else {
            throw .malformed("two servers could read the path of the request in two ways")
        }
        self.path = path
    }

    /// The origin form alone: what a host tells beside a request head.
    public init(originForm target: String) throws(HTTPRejection) {
        guard target.hasPrefix("/") else { throw .malformed("the path does not begin with \"/\"") }
        try self.init(target)
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
}
