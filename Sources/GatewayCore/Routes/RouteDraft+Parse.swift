import JSON

extension RouteDraft {
    /// Reads one route object; nothing else is looked up.
    static func parse(
        _ json: UnsafeRawBufferPointer, hostPlugins: Set<String>?, hostSchemes: Set<String>?,
        tls check: TLSCheck
    ) throws(ConfigurationError) -> (RouteDraft, JSONValue) {
        var (reader, value) = try ConfigurationReader.document(json)
        var draft = RouteDraft()
        draft.id = try identifier(&reader)
        draft.paths = try paths(&reader)
        draft.hosts = try hosts(&reader)
        draft.priority = try reader.count("priority", -1_000_000...1_000_000) ?? 0
        draft.isEnabled = try reader.count("status", 0...1) != 0
        draft.policy.produce.takesPosts = try takesPosts(&reader)
        draft.timeout = try TimeoutObject.parse(&reader)
        try draft.readUpstream(&reader, hostSchemes, check)
        try draft.readPlugins(&reader, hostPlugins)
        try draft.readPolicy(&reader)
        try draft.end(&reader)
        return (draft, value)
    }

    static func identifier(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> String? {
        if let number = reader.value("id")?.int64 { return String(number) }
        guard let id = try reader.string("id") else { return nil }
        guard RouteTable.isIdentifier(id) else {
            throw reader.fault("id", RouteTable.identifierRule)
        }
        return id
    }

    private static func paths(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> [PathPattern] {
        var texts = try reader.strings("uris") ?? []
        if let uri = try reader.string("uri") {
            guard texts.isEmpty else {
                throw reader.fault("uri", "uri and uris exclude each other")
            }
            texts = [(uri, reader.value("uri")?.position ?? .start)]
        }
        guard !texts.isEmpty else { throw reader.missing("uri") }
        var paths: [PathPattern] = []
        for (text, place) in texts {
            guard let path = PathPattern(text) else {
                throw reader.fault(
                    "uri",
                    "expected a path, or a prefix that ends in \"*\", without empty or dot"
                        + " segments, \"\\\" and control characters: \"\(text)\"",
                    at: place)
            }
            paths.append(path)
        }
        return paths
    }

    private static func hosts(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> [HostPattern] {
        var texts = try reader.strings("hosts") ?? []
        if let host = try reader.string("host") {
            guard texts.isEmpty else {
                throw reader.fault("host", "host and hosts exclude each other")
            }
            texts = [(host, reader.value("host")?.position ?? .start)]
        }
        var hosts: [HostPattern] = []
        for (text, place) in texts {
            guard let host = HostPattern(text) else {
                throw reader.fault(
                    "host", "expected a name or \"*.name\": \"\(text)\"", at: place)
            }
            hosts.append(host)
        }
        return hosts
    }

    /// Whether `methods` has `POST`, or says nothing.
    private static func takesPosts(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> Bool {
        guard let methods = try reader.strings("methods"), !methods.isEmpty else { return true }
        guard methods.contains(where: { $0.text == "GET" }) else {
            throw reader.fault("methods", "a WebSocket needs GET")
        }
        return methods.contains { $0.text == "POST" }
    }

    private mutating func readUpstream(
        _ reader: inout ConfigurationReader, _ hostSchemes: Set<String>?, _ check: TLSCheck
    ) throws(ConfigurationError) {
        if let number = reader.value("upstream_id")?.int64 {
            upstreamID = String(number)
        } else {
            upstreamID = try reader.string("upstream_id")
        }
        if var object = try reader.reader("upstream") {
            guard upstreamID == nil else {
                throw reader.fault("upstream", "upstream and upstream_id exclude each other")
            }
            upstream = try UpstreamObject.parse(
                &object, hostSchemes: hostSchemes, tls: check, notes: &notes)
        }
        guard upstream != nil || upstreamID != nil else { throw reader.missing("upstream") }
    }

    private mutating func readPlugins(
        _ reader: inout ConfigurationReader, _ hostPlugins: Set<String>?
    ) throws(ConfigurationError) {
        let names = reader.value("plugins")?.object?.members.map(\.key) ?? []
        guard var plugins = try reader.reader("plugins") else { return }
        for name in names where name != "kafka-proxy" {
            guard hostPlugins?.contains(name) ?? true else {
                throw plugins.unknown(
                    name,
                    "unknown plugin (known: kafka-proxy): list it in host_plugins if the host"
                        + " enforces it by itself")
            }
            _ = plugins.has(name)
            notes.append(
                hostPlugins == nil
                    ? "plugins.\(name): refused unless host_plugins lists it"
                    : "plugins.\(name): enforced by the host")
        }
        if var object = try plugins.plugin("kafka-proxy") {
            plugin = try KafkaProxyPlugin.parse(&object, notes: &notes)
        }
    }

    private mutating func end(_ reader: inout ConfigurationReader) throws(ConfigurationError) {
        try reader.refuse(
            ["vars", "filter_func", "remote_addr", "remote_addrs"],
            "it restricts who may use the route, and is not supported: let the host check it")
        try reader.refuse(
            ["service_id", "plugin_config_id", "script", "script_id"],
            "there are no such objects here: write their contents into the route")
        reader.ignore(["enable_websocket", "service_protocol"], into: &notes)
        for key in ["name", "desc", "labels", "create_time", "update_time"] { _ = reader.has(key) }
        try reader.end()
    }
}
