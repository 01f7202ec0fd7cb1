import KafkaCore

/// A route object as read, before its upstream is known.
struct RouteDraft: Sendable {
    var id: String?
    var paths: [PathPattern] = []
    var hosts: [HostPattern] = []
    var priority = 0
    var isEnabled = true
    var upstream: UpstreamObject?
    var upstreamID: String?
    var timeout = TimeoutObject()
    var plugin = KafkaProxyPlugin()
    var policy = RoutePolicy()
    var connector = ConnectorSettings()
    var notes: [String] = []

    /// The route with its brokers.
    func route(id: String, upstream: UpstreamObject, clientID: String) -> Route {
        Route(
            id: id, paths: paths, hosts: hosts, priority: priority, isEnabled: isEnabled,
            cluster: upstream.hostScheme == nil ? cluster(upstream, clientID: clientID) : nil,
            policy: policy(upstream), defaultClientID: clientID)
    }

    /// Without Kafka, nothing that asks it is allowed.
    private func policy(_ upstream: UpstreamObject) -> RoutePolicy {
        var policy = policy
        if upstream.hostScheme != nil { policy.commands.formIntersection([.ping, .empty]) }
        return policy
    }

    func cluster(_ upstream: UpstreamObject, clientID: String) -> ClusterSettings {
        var cluster = ClusterSettings(
            bootstrap: upstream.nodes, tls: tls(upstream), sasl: plugin.sasl,
            clientID: connector.clientID ?? clientID)
        let connect = timeout.connectMilliseconds ?? upstream.timeout.connectMilliseconds
        let read = timeout.readMilliseconds ?? upstream.timeout.readMilliseconds
        if let connect { cluster.connectTimeoutMilliseconds = connect }
        if let request = connector.requestTimeoutMilliseconds ?? read {
            cluster.requestTimeoutMilliseconds = request
        }
        cluster.fetchMaxWaitMilliseconds = Int32(clamping: policy.fetch.maxWaitMilliseconds)
        cluster.batchBytesMax = policy.fetch.batchBytes
        if let backoff = connector.retryBackoffMilliseconds {
            cluster.retryBackoffMaxMilliseconds = backoff
        }
        if let age = connector.metadataMaxAgeMilliseconds {
            cluster.metadataMaxAgeMilliseconds = age
        }
        cluster.rack = connector.rack
        cluster.release = connector.release
        return cluster
    }

    /// The original connects without verifying unless told otherwise; here it is the other way
    /// round, for the nested and for the flat shape.
    private func tls(_ upstream: UpstreamObject) -> TLSSettings? {
        guard upstream.tls != nil || plugin.enableTLS == true else { return nil }
        let tls = upstream.tls ?? UpstreamObject.TLS()
        return tls.settings(verify: tls.verify ?? plugin.sslVerify ?? true)
    }
}

/// Settings of the Kafka client that a route may name, with the connector document's defaults
/// where they are silent.
struct ConnectorSettings: Equatable, Sendable {
    var clientID: String?
    var requestTimeoutMilliseconds: Int64?
    var retryBackoffMilliseconds: Int64?
    var metadataMaxAgeMilliseconds: Int64?
    var rack: String?
    var release: KafkaRelease?
}
