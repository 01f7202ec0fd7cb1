import KafkaProtocol

/// Why a read or a look-up failed: the text that clients of the original protocol know, and apart
/// from it the true cause for the log. No text holds a credential; only `cause` may name a broker.
public struct KafkaFailure: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The topic or the partition does not exist (or may not be seen).
        case notFound
        /// No broker can be reached.
        case unavailable
        /// The partition has no leader, or none that can be asked.
        case noLeader
        case timedOut
        /// No answer in time, because the broker wants to be asked later.
        case throttled
        /// One TLS peer refused the other.
        case tlsRefused
        /// The broker refused the credentials.
        case loginRefused
        /// There is nothing to log in with: no token yet, a file that cannot be read.
        case noCredentials
        /// The topic is not for this principal. To the client it looks like `notFound`.
        case notAuthorized
        /// Any other error that Kafka answered; `code` is its number.
        case kafka
        /// The records cannot be read: bad checksum, codec not installed, batch over the limit.
        case corrupt
        /// A limit of this client.
        case limit
    }

    /// A person has to change credentials or certificates first.
    var isRefusal: Bool { kind == .tlsRefused || kind == .loginRefused }

    public var kind: Kind
    /// Kafka's error code, where one caused this.
    public var code: Int16?
    /// For the client, in the original's words: `not found topic`, `OFFSET_OUT_OF_RANGE`...
    public var text: String
    /// For the log.
    public var cause: String
    /// Whether the same request may succeed later.
    public var isRetriable: Bool
    /// Told with OFFSET_OUT_OF_RANGE, so that the client can decide; else unknown.
    public var position: PartitionPosition
    /// Told with what cannot be read: where to go on behind it.
    public var nextOffset: Int64?

    /// The topic was deleted and created again: what was read before has nothing to do with what
    /// is there now.
    public var isOtherLog: Bool {
        kind == .kafka && code == KafkaError.unknownTopicId.rawValue && !isRetriable
    }

    public init(
        kind: Kind, code: Int16? = nil, text: String, cause: String, isRetriable: Bool = false,
        position: PartitionPosition = .unknown
    ) {
        self.kind = kind
        self.code = code
        self.text = text
        self.cause = cause
        self.isRetriable = isRetriable
        self.position = position
    }
}
