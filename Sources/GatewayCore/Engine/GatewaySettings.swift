import KafkaCore

/// The settings of a gateway, the same for each of its loops.
public struct GatewaySettings: Sendable {
    /// Loops (threads). 1 is right inside a worker of a proxy.
    public var threads = 1
    /// The log cache of one loop, in bytes.
    public var cacheBytes = 64 << 20
    /// Less would not hold what was just read until it is sent: some runs of records of a megabyte.
    public static let cacheBytesMin = 4 << 20
    /// Plugins of routes that the host enforces itself before it hands a client over. A route
    /// that names any other is refused: to ignore `key-auth` would open a protected route.
    public var hostPlugins: Set<String> = []
    /// Upstream schemes that the host serves itself, by commands of its own.
    public var hostSchemes: Set<String> = []
    /// `client.id` towards Kafka.
    public var clientID = "pubsubgw"
    /// What the sessions of one loop may hold: replies that wait to be sent, and messages that have
    /// not come whole. A few hundred sessions at `limits.unsent_bytes`; more share it.
    public var memoryBytes = 256 << 20
    /// Sessions of the whole gateway; 0: no limit.
    public var sessionsMax = 0
    /// Sessions of one remote address over all routes; 0: no limit.
    public var sessionsPerAddressMax = 0
    /// Bounds of the Kafka clients.
    public var kafka = KafkaLimits()

    public init() {}
}
