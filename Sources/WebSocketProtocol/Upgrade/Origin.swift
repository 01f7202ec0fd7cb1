/// The scheme, host and port of a page (RFC 6454 section 6.2).
struct Origin: Equatable, Sendable {
    let scheme: String
    let authority: Authority

    /// nil for "null" and for what is no origin (RFC 6454 section 7.1), as one with a path. A list
    /// is none either: browsers send none, and each of its members would have to be judged.
    init?(_ text: String) {
        guard let (scheme, rest) = Self.split(text) else { return nil }
        // Pages of files, as some apps show them: "file://".
        if rest.isEmpty, Self.defaultPort(scheme) == nil {
            authority = Authority(host: "", port: nil)
        } else if let authority = Authority(rest) {
            self.authority = authority
        } else {
            return nil
        }
        self.scheme = scheme
    }

    static func split(_ text: String) -> (scheme: String, rest: Substring)? {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            text[colon...].hasPrefix("://"), isScheme(text[..<colon])
        else { return nil }
        return (
            HTTPGrammar.lowercased(text[..<colon]), text[text.index(colon, offsetBy: 3)...]
        )
    }

    /// RFC 3986 section 3.1.
    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, HTTPGrammar.isLetter(first) else { return false }
        return text.utf8.allSatisfy { byte in
            HTTPGrammar.isLetter(byte) || HTTPGrammar.isDigit(byte)
                || "+-.".utf8.contains(byte)
        }
    }

    /// The schemes that pages of a web server have.
    var isOfWeb: Bool { scheme == "http" || scheme == "https" }

    var port: UInt16? { authority.port ?? Self.defaultPort(scheme) }

    static func defaultPort(_ scheme: String) -> UInt16? {
        switch scheme {
        case "http", "ws": 80
        case "https", "wss": 443
        default: nil
        }
    }

    /// A Host without a port stands for the default of a scheme that we cannot see behind a
    /// proxy; the page's own scheme is taken for it.
    func isSameHost(as host: Authority) -> Bool {
        isOfWeb && authority.host == host.host
            && port == (host.port ?? Self.defaultPort(scheme))
    }
}

/// One entry of an allow-list.
enum OriginPattern: Equatable, Sendable {
    case any
    /// What sandboxed pages and files send.
    case null
    /// - `scheme`: nil for http and https.
    /// - `host`: for sub-domains the part behind the star, with its dot.
    case page(scheme: String?, host: String, port: UInt16?, subdomains: Bool)

    init?(_ text: String) {
        if text == "*" { self = .any; return }
        if text == "null" { self = .null; return }
        let parts = Origin.split(text)
        if let parts, parts.rest.isEmpty, let origin = Origin(text) {
            self = .page(scheme: origin.scheme, host: "", port: nil, subdomains: false)
            return
        }
        let rest = parts?.rest ?? Substring(text)
        let isWild = rest.hasPrefix("*.")
        guard let authority = Authority(isWild ? rest.dropFirst(2) : rest) else { return nil }
        guard parts != nil || isWild else { return nil }
        self = .page(
            scheme: parts?.scheme, host: (isWild ? "." : "") + authority.host,
            port: authority.port, subdomains: isWild)
    }

    func matches(_ text: String, _ origin: Origin?) -> Bool {
        switch self {
        case .any: return true
        case .null: return text == "null"
        case .page(let scheme, let host, let port, let subdomains):
            guard let origin else { return false }
            guard scheme.map({ $0 == origin.scheme }) ?? origin.isOfWeb else { return false }
            guard origin.port == (port ?? Origin.defaultPort(origin.scheme)) else { return false }
            guard subdomains else { return origin.authority.host == host }
            return origin.authority.host.hasSuffix(host) && origin.authority.host != host
        }
    }
}
