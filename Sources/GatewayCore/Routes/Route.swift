import KafkaCore

/// One route object, checked and ready to serve. Immutable: a session keeps the route that it
/// began with, whatever is put in its place.
public final class Route: Sendable {
    public let id: String
    public let paths: [PathPattern]
    /// Empty: every host.
    public let hosts: [HostPattern]
    /// The higher one wins among routes that match equally well. Default 0.
    public let priority: Int
    /// `status` 0 switches a route off: it is kept and listed, and matches nothing.
    public let isEnabled: Bool
    /// nil: the host serves the route by commands of its own, without Kafka.
    public let cluster: ClusterSettings?
    public let policy: RoutePolicy
    /// The gateway's client id, for the day when the route's upstream is put anew.
    let defaultClientID: String

    init(
        id: String, paths: [PathPattern], hosts: [HostPattern], priority: Int, isEnabled: Bool,
        cluster: ClusterSettings?, policy: RoutePolicy,
        defaultClientID: String
    ) {
        self.id = id
        self.paths = paths
        self.hosts = hosts
        self.priority = priority
        self.isEnabled = isEnabled
        self.cluster = cluster
        self.policy = policy
        self.defaultClientID = defaultClientID
    }
}
