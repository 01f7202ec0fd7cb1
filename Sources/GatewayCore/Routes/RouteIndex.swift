/// Finds the route of a request: one look-up for the exact path, then one for each length that
/// prefixes have, the longest first.
struct RouteIndex: Sendable {
    private var exact: [String: [Route]] = [:]
    private var prefixes: [String: [Route]] = [:]
    /// In UTF-8 bytes, falling.
    private var prefixLengths: [Int] = []

    init(_ routes: [Route]) {
        for route in routes where route.isEnabled {
            for path in Set(route.paths) {
                if path.isPrefix {
                    prefixes[path.text, default: []].append(route)
                } else {
                    exact[path.text, default: []].append(route)
                }
            }
        }
        exact = exact.mapValues { $0.sorted(by: Self.goesFirst) }
        prefixes = prefixes.mapValues { $0.sorted(by: Self.goesFirst) }
        prefixLengths = Set(prefixes.keys.map(\.utf8.count)).sorted(by: >)
    }

    func match(host: String?, path: String) -> Route? {
        if let found = exact[path].flatMap({ Self.choose($0, host) }) { return found }
        let bytes = path.utf8
        for length in prefixLengths where length <= bytes.count {
            let end = bytes.index(bytes.startIndex, offsetBy: length)
            guard let prefix = String(bytes[..<end]) else { continue }
            if let found = prefixes[prefix].flatMap({ Self.choose($0, host) }) { return found }
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
