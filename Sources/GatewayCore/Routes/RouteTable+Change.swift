import JSON

extension RouteTable {
    /// Checks a route object without keeping it. Answers notes: keys that are known to the
    /// original and mean nothing here. `upstream_id` is not looked up.
    /// `hostPlugins`, `hostSchemes` nil: not known, noted.
    public static func check(
        route json: UnsafeRawBufferPointer, hostPlugins: Set<String>?,
        hostSchemes: Set<String>? = nil, tls: TLSCheck? = nil
    ) throws(ConfigurationError) -> [String] {
        try RouteDraft.parse(
            json, hostPlugins: hostPlugins, hostSchemes: hostSchemes,
            tls: tls ?? UpstreamObject.unchecked
        ).0.notes
    }

    /// The same for an upstream object.
    public static func check(
        upstream json: UnsafeRawBufferPointer, hostSchemes: Set<String>? = nil,
        tls: TLSCheck? = nil
    ) throws(ConfigurationError) -> [String] {
        try UpstreamObject.parse(
            json, hostSchemes: hostSchemes, tls: tls ?? UpstreamObject.unchecked
        ).notes
    }

    /// Puts a route, in the place of one with its id if there is one. `id` nil: the object's own.
    @discardableResult
    public mutating func put(
        route json: UnsafeRawBufferPointer, id: String?, hostPlugins: Set<String>,
        hostSchemes: Set<String> = [], clientID: String, tls: TLSCheck? = nil
    ) throws(ConfigurationError) -> (id: String, notes: [String]) {
        let (draft, value) = try RouteDraft.parse(
            json, hostPlugins: hostPlugins, hostSchemes: hostSchemes,
            tls: tls ?? UpstreamObject.unchecked)
        let id = try Self.identifier(id, draft.id)
        let upstream = try upstream(of: draft)
        var entries = entries
        entries[id] = Entry(
            draft: draft, masked: RouteMask.masked(value, id: id),
            route: draft.route(id: id, upstream: upstream, clientID: clientID))
        replace(entries, upstreams)
        return (id, draft.notes)
    }

    /// False: there is none of that id.
    public mutating func remove(route id: String) -> Bool {
        var entries = entries
        guard entries.removeValue(forKey: id) != nil else { return false }
        replace(entries, upstreams)
        return true
    }

    /// Routes that refer to the upstream follow; those that don't stay the same objects.
    @discardableResult
    public mutating func put(
        upstream json: UnsafeRawBufferPointer, id: String?, hostSchemes: Set<String> = [],
        tls: TLSCheck? = nil
    ) throws(ConfigurationError) -> (id: String, notes: [String]) {
        let parsed = try UpstreamObject.parse(
            json, hostSchemes: hostSchemes, tls: tls ?? UpstreamObject.unchecked)
        let id = try Self.identifier(id, parsed.id)
        var upstreams = upstreams
        upstreams[id] = UpstreamEntry(
            upstream: parsed.upstream, masked: RouteMask.masked(parsed.value, id: id))
        replace(following(id, parsed.upstream), upstreams)
        return (id, parsed.notes)
    }

    /// False: there is none of that id. Refused while a route refers to it.
    public mutating func remove(upstream id: String) throws(ConfigurationError) -> Bool {
        guard upstreams[id] != nil else { return false }
        let user = entries.filter { $0.value.draft.upstreamID == id }.keys.min()
        if let user {
            throw ConfigurationError(
                key: "upstream_id", line: 0, column: 0,
                reason: "can not delete upstream \(id): route \(user) is still using it")
        }
        var upstreams = upstreams
        upstreams[id] = nil
        replace(entries, upstreams)
        return true
    }

    /// Routes and upstreams as JSON, secrets masked: `{"routes":[...],"upstreams":[...]}`.
    public var json: String {
        let routes = routeIDs.compactMap { entries[$0]?.masked }.joined(separator: ",")
        let others = upstreams.keys.sorted().compactMap { upstreams[$0]?.masked }
        return "{\"routes\":[\(routes)],\"upstreams\":[\(others.joined(separator: ","))]}"
    }

    private func upstream(of draft: RouteDraft) throws(ConfigurationError) -> UpstreamObject {
        if let upstream = draft.upstream { return upstream }
        let id = draft.upstreamID ?? ""
        guard let entry = upstreams[id] else {
            throw ConfigurationError(
                key: "upstream_id", line: 0, column: 0, reason: "there is no upstream \(id)")
        }
        return entry.upstream
    }

    private func following(_ id: String, _ upstream: UpstreamObject) -> [String: Entry] {
        var entries = entries
        for (key, entry) in entries where entry.draft.upstreamID == id {
            entries[key]?.route = entry.draft.route(
                id: key, upstream: upstream, clientID: entry.route.defaultClientID)
        }
        return entries
    }

    private static func identifier(
        _ given: String?, _ own: String?
    ) throws(ConfigurationError) -> String {
        guard let id = given ?? own else {
            throw ConfigurationError(
                key: "id", line: 1, column: 1, reason: "property \"id\" is required")
        }
        guard isIdentifier(id) else {
            throw ConfigurationError(key: "id", line: 0, column: 0, reason: identifierRule)
        }
        guard id == own ?? id else {
            throw ConfigurationError(
                key: "id", line: 0, column: 0,
                reason: "the object's own \"\(own ?? "")\" is not the id given, \"\(id)\"")
        }
        return id
    }
}
