import KafkaCore
import WebSocketProtocol

/// What a route allows its clients, and within which bounds: the `pubsub` object of a route with
/// its defaults filled in.
public struct RoutePolicy: Equatable, Sendable {
    public var commands = CommandSet.standard
    /// The host's commands that a `commands` list names; nil: there is no list, and all are
    /// allowed that the host has registered for the route.
    public var hostCommands: Set<String>?
    public var topics = TopicAccess.standard
    public var origins = OriginPolicy.sameHost
    public var isolation = Isolation.readUncommitted
    public var fetch = FetchSettings()
    public var limits = SessionLimits()
    public var keepalive = KeepaliveSettings()
    public var produce = ProducePolicy()
    /// permessage-deflate is agreed to when the client offers it. Off by default: it costs CPU
    /// and, where a secret shares a message with text that an attacker chose, the secret.
    public var compression = false

    public init() {}
}

/// Bounds of fetches; the names are those of Kafka's clients.
public struct FetchSettings: Equatable, Sendable {
    /// A fetch that waits is answered when so many bytes are there.
    public var minBytes = 1
    /// Bytes of a reply to a fetch that names no `max_bytes`: Sarama's and Kafka's default.
    public var defaultBytes = 1 << 20
    /// The most that a client may ask for; larger asks are cut to it.
    public var maxBytes = 8 << 20
    /// How long a broker may hold one request of readers that wait (Kafka's `fetch.max.wait.ms`).
    /// A client's own `max_wait_ms` is not bounded by it: the wait goes on in the next request.
    public var maxWaitMilliseconds: Int64 = 250
    /// Decompressed bytes of one batch of records. See `ClusterSettings.batchBytesMax`.
    public var batchBytes = 256 << 20
    /// What becomes of a fetch whose offset is not in the log: an error, as with Kafka's
    /// `auto.offset.reset=none`, because records may have been missed.
    public var reset = FetchReset.none

    public init() {}
}

/// Names of the route's `fetch.reset`.
public enum FetchReset: String, CaseIterable, Sendable {
    /// OFFSET_OUT_OF_RANGE is told, and the client decides.
    case none
    /// It begins at the end of the log that is nearer: at its start, or behind its last record.
    case nearest
}

/// Bounds of one session, and of the sessions of one route. 0 where it says "none".
public struct SessionLimits: Equatable, Sendable {
    /// One client message, judged from its frame header on, and again while it is inflated.
    /// Kafka's own largest record and some room around it.
    public var messageBytes = (1 << 20) + (64 << 10)
    /// Commands that wait for their answer; beyond it the socket is not read.
    public var commandsInFlight = 64
    /// Commands of one session in a second, on average, and as many at once; 0: no limit.
    public var commandsPerSecond = 0
    /// Bytes that wait to be sent; beyond it neither the socket nor Kafka is read.
    public var unsentBytes = 1 << 20
    /// Partitions that one session follows.
    public var subscriptions = 128
    /// Key, value and headers of one record that a client produces; 0: the producer's own limit.
    public var recordBytes = 0
    /// What one session may produce in a second, on average, and as much at once; 0: no limit.
    public var produceBytesPerSecond = 0
    public var produceRecordsPerSecond = 0
    /// Bytes of records that Kafka has not acknowledged; beyond it the socket is not read.
    public var produceBytesInFlight = 1 << 20
    /// Sessions of the route; 0: none.
    public var sessions = 0
    /// Sessions of one remote address on the route; 0: none.
    public var sessionsPerAddress = 0
    /// One deadline for the whole request head: a byte a second must not keep a slot.
    public var handshakeMilliseconds: Int64 = 10_000
    /// How long the host may take to answer one of its own commands.
    public var commandMilliseconds: Int64 = 30_000
    /// From the first byte of a client's message to its last (else 4408); 0: no limit. The largest
    /// message of the default size needs 300 kbit/s.
    public var messageMilliseconds: Int64 = 30_000
    /// Without a message from or to the client for so long the session ends (4408); 0: never.
    public var idleMilliseconds: Int64 = 0

    public init() {}
}

/// WebSocket pings: they find peers that are gone, and keep middleboxes from forgetting us.
public struct KeepaliveSettings: Equatable, Sendable {
    /// Silence after which a ping is sent; spread by a tenth. 0: no pings.
    public var intervalMilliseconds: Int64 = 30_000
    /// How long a ping waits for any sign of life.
    public var timeoutMilliseconds: Int64 = 15_000

    public init() {}
}
