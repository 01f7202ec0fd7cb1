/// Finds the route of a request: one look-up for the exact path, then one for each length that
/// prefixes have, the longest first.
///
/// By bytes: to Swift two strings are equal whose bytes differ (the Kelvin sign and a K), and a
/// proxy in front would tell them apart.
struct RouteIndex: Sendable {
    private typealias Bytes = [UInt8]
    private var exact: [Bytes: [Route]] = [:]
    private var prefixes: [Bytes: [Route]] = [:]
    /// Falling.
    private var prefixLengths: [Int] = []

    init(_ routes: [Route]) {
        for route in routes where route.isEnabled {
            for path in route.paths {
                let bytes = Bytes(path.text.utf8)
                if path.isPrefix {
                    prefixes[bytes, default: []].append(route)
                } else {
                    exact[bytes, default: []].append(route)
                }
            }
        }
        exact = exact.mapValues { $0.sorted(by: Self.goesFirst) }
        prefixes = prefixes.mapValues { $0.sorted(by: Self.goesFirst) }
        prefixLengths = Set(prefixes.keys.map(\.count)).sorted(by: >)
    }

    func match(host: String?, path: String) -> Route? {
        let bytes = Bytes(path.utf8)
        if let found = exact[bytes].flatMap({ Self.choose($0, host) }) { return found }
        for length in prefixLengths where length <= bytes.count {
            let found = prefixes[Bytes(bytes[..<length])].flatMap { Self.choose($0, host) }
            if let found { return found }
        }
        return nil
    }

    private static func goesFirst(_ left: Route, _ right: Route) -> Bool {
        if left.priority != right.priority { return left.priority > right.priority }
        return left.id < right.id
    }

    /// `routes` have the same path and stand in their order.
    private static func choose(_ routes: [Route], _ host: String?) -> Route? {
        var best: (route: Route, rank: Int)?
        for route in routes {
            if let best, best.route.priority > route.priority { break }
            guard let rank = rank(route, host), rank > best?.rank ?? -1 else { continue }
            best = (route, rank)
        }
        return best?.route
    }

    /// How well a route's hosts fit; nil: not at all.
    private static func rank(_ route: Route, _ host: String?) -> Int? {
        if route.hosts.isEmpty { return 0 }
        guard let host else { return nil }
        let fitting = route.hosts.filter { $0.matches(host) }
        // Exact names beat every wildcard, a longer wildcard a shorter one.
        return fitting.map { $0.isWildcard ? $0.text.utf8.count : Int.max }.max()
    }
}
