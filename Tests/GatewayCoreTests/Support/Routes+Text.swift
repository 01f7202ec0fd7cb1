import GatewayCore

extension RouteTable {
    /// A table of these route objects.
    static func of(_ routes: String...) throws -> RouteTable {
        var table = RouteTable()
        for route in routes { try table.put(route: route) }
        return table
    }

    @discardableResult
    mutating func put(
        route text: String, id: String? = nil, hostPlugins: Set<String> = [],
        hostSchemes: Set<String> = []
    ) throws -> [String] {
        try text.withRawBytes {
            try put(
                route: $0, id: id, hostPlugins: hostPlugins, hostSchemes: hostSchemes,
                clientID: "test"
            ).notes
        }
    }

    @discardableResult
    mutating func put(upstream text: String, id: String? = nil) throws -> [String] {
        try text.withRawBytes { try put(upstream: $0, id: id).notes }
    }

    static func check(_ text: String, hostPlugins: Set<String>? = []) throws -> [String] {
        try text.withRawBytes { try check(route: $0, hostPlugins: hostPlugins) }
    }

    static func check(upstream text: String) throws -> [String] {
        try text.withRawBytes { try check(upstream: $0) }
    }

    /// Why a route is refused; nil if it is not.
    static func fault(_ text: String) -> ConfigurationError? {
        do {
            _ = try check(text)
            return nil
        } catch {
            return error as? ConfigurationError
        }
    }
}

extension String {
    func withRawBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try Array(utf8).withUnsafeBytes { try body($0) }
    }
}
