/// All routes and upstreams at one moment. A value that loops take over as a whole; changes make
/// a new one.
public struct RouteTable: Sendable {
    public init() {}

    /// The route for a request. `host`: a `Host` header's value; `path`: without the query, as
    /// received. An exact path wins over a prefix and a longer prefix over a shorter; then the
    /// higher priority, then an exact host over a wildcard over none, then the smaller id.
    public func match(host: String?, path: String) -> Route? { nil }

    public func route(id: String) -> Route? { nil }

    /// Ids in order.
    public var routeIDs: [String] { [] }

    /// Checks a route object without keeping it. Answers notes: keys that are known to the
    /// original and mean nothing here. `upstream_id` is not looked up.
    public static func check(
        route json: UnsafeRawBufferPointer, hostPlugins: Set<String>
    ) throws(ConfigurationError) -> [String] { [] }

    /// Puts a route, in the place of one with its id if there is one. `id` nil: the object's own.
    @discardableResult
    public mutating func put(
        route json: UnsafeRawBufferPointer, id: String?, hostPlugins: Set<String>,
        clientID: String
    ) throws(ConfigurationError) -> (id: String, notes: [String]) { ("", []) }

    /// False: there is none of that id.
    public mutating func remove(route id: String) -> Bool { false }

    /// Routes that refer to the upstream follow.
    @discardableResult
    public mutating func put(
        upstream json: UnsafeRawBufferPointer, id: String?
    ) throws(ConfigurationError) -> (id: String, notes: [String]) { ("", []) }

    /// False: there is none of that id. Refused while a route refers to it.
    public mutating func remove(upstream id: String) throws(ConfigurationError) -> Bool { false }

    /// Routes and upstreams as JSON, secrets masked: `{"routes":[...],"upstreams":[...]}`.
    public var json: String { "" }
}
