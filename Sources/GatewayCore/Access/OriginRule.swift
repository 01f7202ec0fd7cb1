/// Which pages may open a session (RFC 6455 section 10.2: any page of the web can make a browser
/// connect, with the user's cookies). A client that sends no `Origin` is no browser and passes.
public enum OriginRule: Hashable, Sendable {
    /// The origin's host and port are those of the `Host` header.
    case sameHost
    case any
    case list([OriginPattern])

    func allows(origin: String?, host: String?) -> Bool {
        guard let origin else { return true }
        switch self {
        case .any: return true
        case .list(let patterns): return patterns.contains { $0.matches(origin) }
        case .sameHost:
            guard let origin = Origin(origin), let host else { return false }
            return origin.authority == Origin.authority(host, scheme: origin.scheme)
        }
    }
}

/// Scheme, host and port, compared as wholes: never by prefix or substring.
struct Origin: Hashable {
    var scheme: String
    /// Lower case, with the port unless it is the scheme's own.
    var authority: String

    /// nil: `null` or no origin at all.
    init?(_ text: String) {
        guard let parts = Self.split(text) else { return nil }
        scheme = parts.scheme.asciiLowercased()
        let rest = parts.rest
        guard !scheme.isEmpty, !rest.isEmpty, !rest.contains(where: { "/?#@ ".contains($0) })
        else { return nil }
        authority = Self.authority(rest, scheme: scheme)
    }

    /// What stands before and behind the first `://`.
    static func split(_ text: String) -> (scheme: String, rest: String)? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
            return nil
        }
        return (String(text[..<colon]), String(text[colon...].dropFirst(3)))
    }

    /// Drops a port that says nothing: 80 for http and ws, 443 for https and wss.
    static func authority(_ text: String, scheme: String) -> String {
        let text = text.asciiLowercased()
        let standard = ["http": ":80", "ws": ":80", "https": ":443", "wss": ":443"][scheme]
        guard let standard, text.hasSuffix(standard) else { return text }
        return String(text.dropLast(standard.utf8.count))
    }
}

/// An entry of a route's `origins`: `https://example.com`, `https://*.example.com:8443`, or a
/// host alone (`*.example.com`), which stands for every scheme and its usual port.
public struct OriginPattern: Hashable, Sendable {
    public let text: String
    private let scheme: String?
    private let host: String
    private let isWildcard: Bool

    /// nil: not an origin.
    init?(_ text: String) {
        self.text = text
        let parts = Origin.split(text)
        scheme = parts?.scheme.asciiLowercased()
        var rest = parts?.rest ?? text
        isWildcard = rest.hasPrefix("*.")
        if isWildcard { rest = String(rest.dropFirst()) }
        host = Origin.authority(rest, scheme: scheme ?? "")
        guard scheme != "", !host.isEmpty, !host.contains(where: { "/?#@* ".contains($0) })
        else { return nil }
    }

    func matches(_ text: String) -> Bool {
        guard let origin = Origin(text) else { return false }
        if let scheme, scheme != origin.scheme { return false }
        guard isWildcard else { return origin.authority == host }
        return origin.authority.utf8.count > host.utf8.count && origin.authority.hasSuffix(host)
    }
}
