import JSON
import WebSocketProtocol

/// All routes and upstreams at one moment. A value that loops take over as a whole; changes make
/// a new one.
public struct RouteTable: Sendable {
    struct Entry: Sendable {
        var draft: RouteDraft
        /// The object as it was put, without secrets.
        var masked: String
        var route: Route
    }

    struct UpstreamEntry: Sendable {
        var upstream: UpstreamObject
        var masked: String
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var upstreams: [String: UpstreamEntry] = [:]
    private var index = RouteIndex([])
    private var handshakeMillisecondsMax = SessionLimits().handshakeMilliseconds

    public init() {}

    /// The route for a request. `host`: a `Host` header's value; `path`: decoded, without the
    /// query. An exact path wins over a prefix and a longer prefix over a shorter; then the
    /// higher priority, then an exact host over a wildcard over none, then the smaller id.
    public func match(host: String?, path: String) -> Route? {
        index.match(host: host.map(HostPattern.name(ofHeader:)), path: path)
    }

    /// As `match`, for a request target as received, in origin form.
    public func match(host: String?, target: String) -> Route? {
        guard let target = try? RequestTarget(originForm: target) else { return nil }
        return match(host: host, path: target.path)
    }

    /// Switched-off routes too.
    public func route(id: String) -> Route? { entries[id]?.route }

    /// The deadline of a request head. Which route it is for shows only in its end, so that the
    /// most patient one counts, unless the route is known.
    func handshakeMilliseconds(routeID: String?) -> Int64 {
        let known = routeID.flatMap { entries[$0]?.route.policy.limits.handshakeMilliseconds }
        return known ?? handshakeMillisecondsMax
    }

    /// In order.
    public var routeIDs: [String] { entries.keys.sorted() }

    mutating func replace(
        _ entries: [String: Entry], _ upstreams: [String: UpstreamEntry]
    ) {
        self.entries = entries
        self.upstreams = upstreams
        let routes = entries.values.map(\.route)
        index = RouteIndex(routes)
        handshakeMillisecondsMax =
            routes.map(\.policy.limits.handshakeMilliseconds).max()
            ?? SessionLimits().handshakeMilliseconds
    }

    public static let identifierRule =
        "expected 1 to 64 of the letters a-z, A-Z, digits, \".\", \"-\", \"_\""

    /// The original's rule for ids.
    public static func isIdentifier(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
