import SASL

/// How an in-memory cluster behaves. The defaults are a broker's own unless said otherwise.
public struct BrokerSettings: Sendable {
    public struct Address: Hashable, Sendable {
        public var host: String
        public var port: UInt16

        public init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }
    }

    /// Brokers; their node ids are 1, 2, ...
    public var brokers = 1
    public var profile = BrokerProfile.kafka4_1
    public var clusterID = "pubsubgw-devbroker-0000"
    /// Partitions of a topic that is created without a number.
    public var partitions: Int32 = 1
    /// Whether Metadata may create topics, if its client allows it.
    public var createsTopics = true
    /// Bytes of a batch in Produce (`message.max.bytes`).
    public var messageBytesMax = 1_048_588
    /// Bytes of a Fetch response, whatever the client asks for (`fetch.max.bytes`).
    public var fetchBytesMax = 57_671_680
    /// Fetch sessions of one broker (`max.incremental.fetch.session.cache.slots`).
    public var fetchSessionSlots = 1000
    /// How long a session has to be unused before a new one may take its place.
    public var fetchSessionEvictionMilliseconds: Int64 = 120_000
    /// Bytes of a request (`socket.request.max.bytes`).
    public var requestBytesMax = 104_857_600
    /// Stored bytes of a partition before the oldest batches are deleted. Not a broker's default
    /// (none): this cluster lives in memory.
    public var retentionBytes = 1 << 30
    /// Users that may log in; if there are any, or tokens or Kerberos, a connection has to before
    /// anything else.
    public var users = SASLUsers()
    /// Tokens that clients may log in with, by OAUTHBEARER.
    public var tokens = BearerTokens()
    /// The host in the brokers' principal `kafka/host`: clients may log in by GSSAPI. nil: they may
    /// not.
    public var kerberosHost: String?
    /// KIP-368: how long a login lasts at most; 0: as long as its token.
    public var sessionLifetimeMilliseconds: Int64 = 0
    /// How long a group waits for more members before its first rebalance ends
    /// (`group.initial.rebalance.delay.ms`; a broker's default is 3 s, which only delays tests).
    public var groupInitialRebalanceMilliseconds: Int64 = 0
    /// The largest time limit of a transaction (`transaction.max.timeout.ms`).
    public var transactionTimeoutMillisecondsMax: Int64 = 900_000
    /// Milliseconds since 1970 at `Instant.zero`, for the times that a broker itself writes.
    public var wallClockMilliseconds: Int64 = 1_700_000_000_000

    public init() {}
}
