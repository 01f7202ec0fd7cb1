import KafkaCore

/// Which cluster a client of the host's reads, and how where a request is silent.
public struct DirectSettings: Equatable, Sendable {
    public var cluster: ClusterSettings
    public var isolation: Isolation
    public var fetch: FetchSettings
}

/// Where the settings come from.
public enum DirectSource: Equatable, Sendable {
    /// The route's brokers, credentials and defaults. Its topic rules bind its WebSocket clients,
    /// not the host.
    case route(String)
    case own(DirectSettings)
}

extension DirectSettings {
    /// nil: the route has no Kafka.
    public init?(_ route: Route) {
        guard let cluster = route.cluster else { return nil }
        self.init(
            cluster: cluster, isolation: route.policy.isolation, fetch: route.policy.fetch)
    }
}

extension DirectSource {
    /// `{"route": id}`; or a route's `upstream`, `plugins` and `pubsub`; or an upstream's own keys
    /// in the place of `upstream`. `clientID`: the gateway's.
    public static func parse(
        _ json: UnsafeRawBufferPointer, clientID: String, tls: TLSCheck? = nil
    ) throws(ConfigurationError) -> DirectSource {
        var (reader, _) = try ConfigurationReader.document(json)
        if let route = try reader.string("route") {
            try reader.end()
            return .route(route)
        }
        var draft = RouteDraft()
        let upstream = try UpstreamObject.ofClient(
            &reader, tls ?? UpstreamObject.unchecked)
        try draft.readClientPlugins(&reader)
        try draft.readClientPolicy(&reader)
        try reader.end()
        return .own(
            DirectSettings(
                cluster: draft.cluster(upstream, clientID: clientID),
                isolation: draft.policy.isolation, fetch: draft.policy.fetch))
    }
}

extension UpstreamObject {
    fileprivate static func ofClient(
        _ reader: inout ConfigurationReader, _ check: TLSCheck
    ) throws(ConfigurationError) -> UpstreamObject {
        var notes: [String] = []
        if var object = try reader.reader("upstream") {
            return try parse(&object, hostSchemes: [], tls: check, notes: &notes)
        }
        var upstream = UpstreamObject()
        upstream.nodes = try nodes(&reader)
        upstream.tls = try tls(&reader, check, &notes)
        upstream.timeout = try TimeoutObject.parse(&reader)
        return upstream
    }
}

extension RouteDraft {
    fileprivate mutating func readClientPlugins(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard var plugins = try reader.reader("plugins") else { return }
        if var object = try plugins.plugin("kafka-proxy") {
            plugin = try KafkaProxyPlugin.parse(&object, notes: &notes)
        }
        try plugins.end()
    }

    fileprivate mutating func readClientPolicy(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard var pubsub = try reader.reader("pubsub") else { return }
        try readIsolation(&pubsub)
        try readFetch(&pubsub)
        try readConnector(&pubsub)
        try pubsub.end()
    }
}
