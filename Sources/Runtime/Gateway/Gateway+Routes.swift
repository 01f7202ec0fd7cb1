import GatewayCore
import WebSocketProtocol

// Routes and upstreams: one table, of which each loop gets a copy of every version.
extension Gateway {
    /// Notes on keys that have no effect here.
    public static func check(route json: UnsafeRawBufferPointer) throws(Failure) -> [String] {
        do {
            return try RouteTable.check(route: json, hostPlugins: nil, tls: tlsCheck)
        } catch {
            throw Failure(.config, error.description)
        }
    }

    public static func check(upstream json: UnsafeRawBufferPointer) throws(Failure) -> [String] {
        do {
            return try RouteTable.check(upstream: json, tls: tlsCheck)
        } catch {
            throw Failure(.config, error.description)
        }
    }

    public func put(route json: UnsafeRawBufferPointer, id: String?) throws(Failure) {
        let plugins = settings.gateway.hostPlugins
        let schemes = settings.gateway.hostSchemes
        let clientID = settings.gateway.clientID
        try change { table throws(ConfigurationError) in
            try table.put(
                route: json, id: id, hostPlugins: plugins, hostSchemes: schemes,
                clientID: clientID, tls: Self.tlsCheck)
            return []
        }
    }

    public func put(upstream json: UnsafeRawBufferPointer, id: String?) throws(Failure) {
        let schemes = settings.gateway.hostSchemes
        try change { table throws(ConfigurationError) in
            try table.put(
                upstream: json, id: id, hostSchemes: schemes, tls: Self.tlsCheck)
            return []
        }
    }

    public func remove(route id: String, closingSessions: Bool) throws(Failure) {
        var isFound = false
        try change { table throws(ConfigurationError) in
            isFound = table.remove(route: id)
            return isFound && closingSessions ? [id] : []
        }
        guard isFound else { throw Failure(.noRoute, "there is no route \"\(id)\"") }
    }

    public func remove(upstream id: String) throws(Failure) {
        var isFound = false
        do {
            try change { table throws(ConfigurationError) in
                isFound = try table.remove(upstream: id)
                return []
            }
        } catch {
            // Well-formed, but a route needs it.
            throw Failure(.state, error.text)
        }
        guard isFound else { throw Failure(.noRoute, "there is no upstream \"\(id)\"") }
    }

    /// The id of the route that would serve a request.
    public func match(host: String?, uri: String) throws(Failure) -> String {
        let request: UpgradeRequest
        do throws(HTTPRejection) {
            request = try UpgradeRequest(
                toldHost: host, uri: uri, origin: nil, key: nil, subprotocol: nil, extensions: nil)
        } catch {
            throw Failure(.invalid, error.text)
        }
        guard let route = state.withLock({ $0.routes.match(host: host, path: request.path) }) else {
            throw Failure(
                .noRoute,
                "no route matches host \"\(host ?? "")\" and path \"\(request.path)\"")
        }
        return route.id
    }

    /// Whether a client would be let in, by a host that has not answered it yet: the sub-protocol
    /// to agree to, or the refusal.
    public func check(
        opening: ClientOpening
    ) throws(Failure) -> Result<String?, HTTPRejection> {
        try mustAdmit()
        let start = try opening.checkedOpening()
        let routes = state.withLock { $0.routes }
        return Result { () throws(HTTPRejection) in try routes.check(start) }
    }

    public var routesJSON: String { state.withLock { $0.routes.json } }

    /// Changes a copy of the table and hands it to the loops; `body` answers the routes whose
    /// sessions end. The loops see the versions in order, because they are posted under the lock.
    private func change(
        _ body: (inout RouteTable) throws(ConfigurationError) -> Set<String>
    ) throws(Failure) {
        do {
            try state.withLock { state throws(ConfigurationError) in
                var table = state.routes
                let closing = try body(&table)
                let version = table
                state.routes = version
                for loop in state.loops {
                    loop.post { $0.setRoutes(version, closing: closing) }
                }
            }
        } catch {
            throw Failure(.config, error.description)
        }
    }
}
