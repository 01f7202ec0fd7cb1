/// Which pages may connect: a browser sends cookies along to whatever host a script names, and
/// only Origin tells whose script it is (RFC 6455 section 10.2). Nothing is compared by prefix or
/// substring.
public struct OriginPolicy: Equatable, Sendable {
    public enum PatternError: Error, Equatable, Sendable {
        /// Neither "*", nor an origin, nor "*.domain"; the text is the pattern.
        case malformed(String)
    }

    private let patterns: [OriginPattern]

    /// The default: a page may talk to the host that it came from.
    public static let sameHost = OriginPolicy(patterns: [])

    private init(patterns: [OriginPattern]) { self.patterns = patterns }

    /// - `texts`: "*" for every page; "https://example.com", "https://example.com:8443", "null";
    ///   "*.example.com" or "https://*.example.com:8443" for its sub-domains (not for itself).
    ///   A pattern without a scheme stands for http and https, one without a port for the
    ///   scheme's own. An empty list means `sameHost`. "null" (sandboxed pages, files) is let in by
    ///   "null" and "*" alone.
    public init(_ texts: [String]) throws(PatternError) {
        var patterns: [OriginPattern] = []
        for text in texts {
            guard let pattern = OriginPattern(text) else { throw .malformed(text) }
            patterns.append(pattern)
        }
        self.patterns = patterns
    }

    /// A client without Origin is no browser, and allowed.
    public func allows(_ request: UpgradeRequest) -> Bool {
        allows(origin: request.origin, host: request.host)
    }

    public func allows(origin: String?, host: Authority) -> Bool {
        guard let text = origin else { return true }
        let origin = Origin(text)
        // RFC 6454 section 7.1: what no browser sends is no reason to let somebody in.
        guard origin != nil || text == "null" else { return false }
        if patterns.contains(.any) { return true }
        guard patterns.isEmpty else {
            return patterns.contains { $0.matches(text, origin) }
        }
        return origin?.isSameHost(as: host) ?? false
    }
}
