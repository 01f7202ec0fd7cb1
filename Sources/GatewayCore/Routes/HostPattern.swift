import WebSocketProtocol

/// A `host` of a route: a name, or `*.name` for every name below it.
public struct HostPattern: Hashable, Sendable {
    /// Lower case, without `*` (a pattern keeps the dot: `.example.com`).
    public let text: String
    public let isWildcard: Bool

    /// nil: no name or address as a Host header may hold it, or a `*` elsewhere than in front of
    /// the first dot.
    init?(_ source: String) {
        let isWildcard = source.hasPrefix("*.")
        let name = isWildcard ? String(source.dropFirst(2)) : source
        guard let authority = Authority(name) ?? Authority("[\(name)]"), authority.port == nil
        else { return nil }
        let host = Self.name(ofHeader: authority.host)
        guard !host.isEmpty else { return nil }
        text = isWildcard ? ".\(host)" : host
        self.isWildcard = isWildcard
    }

    /// `host` in lower case and without its port.
    func matches(_ host: String) -> Bool {
        guard isWildcard else { return host == text }
        return host.utf8.count > text.utf8.count && host.hasSuffix(text)
    }

    /// The name of a `Host` header: lower case, no port, no brackets, no final dot.
    static func name(ofHeader header: String) -> String {
        var host = Substring(header)
        if host.hasPrefix("[") {
            host = host.dropFirst().prefix { $0 != "]" }
        } else if let colon = host.firstIndex(of: ":") {
            host = host[..<colon]
        }
        if host.hasSuffix(".") { host = host.dropLast() }
        return String(host).asciiLowercased()
    }
}

extension String {
    /// Lower case of A-Z only: names on the wire are ASCII, and Unicode's mapping would let two
    /// different hosts look alike.
    func asciiLowercased() -> String {
        let upper = UInt8(ascii: "A")...UInt8(ascii: "Z")
        guard utf8.contains(where: upper.contains) else { return self }
        return String(decoding: utf8.map { upper.contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
