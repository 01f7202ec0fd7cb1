import SASL

/// What makes two routes share a cluster: they agree in every field. Routes that differ in any
/// credential never share connections or cached records.
public struct ClusterSettings: Hashable, Sendable {
    /// Asked in order, from a random start; only for the first metadata and when no known broker
    /// answers any more (KIP-899).
    public var bootstrap: [Endpoint]
    public var tls: TLSSettings?
    public var sasl: SASLCredentials?
    /// Kafka's `client.id`: quotas are counted by it.
    public var clientID: String
    /// A request without an answer for so long closes its connection, and a reader without
    /// records for so long is answered with `timeout`. Default 30 s, as Kafka's other clients.
    public var requestTimeoutMilliseconds: Int64
    /// The longest wait between attempts; they start at 100 ms and double (KIP-580).
    public var retryBackoffMaxMilliseconds: Int64
    /// TCP, TLS, ApiVersions and SASL together (KIP-601). Default 10 s.
    public var connectTimeoutMilliseconds: Int64
    /// Topics in use are asked for again when what is known is older. Default 5 min.
    public var metadataMaxAgeMilliseconds: Int64
    /// A connection that carried nothing for so long is closed: brokers close after 10 min, some
    /// load balancers drop silently after 4. Default 30 s, spread by up to 2 s.
    public var connectionIdleMilliseconds: Int64
    /// How long a broker may hold a request of readers that wait (`fetch.max.wait.ms`). Default
    /// 500 ms, as Kafka's own consumer; the limits of the client may make it shorter.
    public var fetchMaxWaitMilliseconds: Int32
    /// Where this client is (`client.rack`, KIP-392): leaders name a replica there, if there is
    /// one, to read from. nil: records come from leaders.
    public var rack: String?
    /// No request is newer than this release's, whatever brokers offer; nil: as they offer.
    public var release: KafkaRelease?
    /// Decompressed bytes of one batch; what lies beyond cannot be read. A batch of 1 MiB may hold
    /// gigabytes of zeros, which cost time. Default 256 MiB: what well-compressed text comes to,
    /// and some room; it is read in pieces.
    public var batchBytesMax: Int
    /// Connections per broker for point reads. Default 2: one decodes while the other waits.
    public var pointConnectionsPerBroker: Int

    public init(
        bootstrap: [Endpoint], tls: TLSSettings? = nil, sasl: SASLCredentials? = nil,
        clientID: String = "pubsubgw", requestTimeoutMilliseconds: Int64 = 30_000,
        retryBackoffMaxMilliseconds: Int64 = 2_000, connectTimeoutMilliseconds: Int64 = 10_000,
        metadataMaxAgeMilliseconds: Int64 = 300_000, connectionIdleMilliseconds: Int64 = 30_000,
        fetchMaxWaitMilliseconds: Int32 = 500, rack: String? = nil,
        release: KafkaRelease? = nil, batchBytesMax: Int = 256 << 20,
        pointConnectionsPerBroker: Int = 2
    ) {
        self.bootstrap = bootstrap
        self.tls = tls
        self.sasl = sasl
        self.clientID = clientID
        self.requestTimeoutMilliseconds = requestTimeoutMilliseconds
        self.retryBackoffMaxMilliseconds = retryBackoffMaxMilliseconds
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.metadataMaxAgeMilliseconds = metadataMaxAgeMilliseconds
        self.connectionIdleMilliseconds = connectionIdleMilliseconds
        self.fetchMaxWaitMilliseconds = fetchMaxWaitMilliseconds
        self.rack = rack
        self.release = release
        self.batchBytesMax = batchBytesMax
        self.pointConnectionsPerBroker = pointConnectionsPerBroker
    }
}
