import Bytes
import KafkaCore
import Statuses

/// Names a client of the host's within the process.
public struct DirectClientID: Hashable, Sendable {
    public let raw: UInt64
    public init(raw: UInt64) { self.raw = raw }
}

/// What Kafka answered to a host.
public struct DirectEvent {
    /// Which kind of request it is about.
    public enum Kind: Equatable, Sendable {
        case records, offset, metadata
    }

    public enum Content {
        case records(DirectRecords)
        case offset(ListedOffset)
        /// JSON.
        case metadata([UInt8])
        case failed(DirectFailure)
    }

    public var client: DirectClientID
    /// The host's.
    public var token: UInt64
    /// The engine's own, for `taken`.
    public var number: UInt64
    public var kind: Kind
    public var content: Content
    /// Nothing more comes for the token.
    public var isLast: Bool
}

/// Records that stay in the cache's memory, or were copied out of it.
public struct DirectRecords {
    public var topic: String
    public var partition: Int32
    public var count: Int
    /// One behind the other.
    public var pieces: [HeldRecords]
    /// -1: not known freshly.
    public var highWatermark: Int64
    public var nextOffset: Int64

    /// Of the records.
    public var byteCount: Int { pieces.reduce(0) { $0 + $1.bytes.count } }
}

/// Why a request has ended without an answer. The host is trusted: it gets the true cause.
public struct DirectFailure: Equatable, Sendable {
    /// `PUBSUBGW_E_...`
    public var status: Int32
    public var text: String
    /// Told with OFFSET_OUT_OF_RANGE; -1: not known.
    public var highWatermark: Int64 = -1
    public var logStartOffset: Int64 = -1
    /// Told with what cannot be read: where to go on; -1: not known, or something else failed.
    public var nextOffset: Int64 = -1

    static let cancelled = gone("cancelled")
    static let closed = gone("the client was destroyed")
    static let stopped = gone("the gateway stops")

    private static func gone(_ text: String) -> DirectFailure {
        DirectFailure(status: Status.gone.rawValue, text: text)
    }

    init(status: Int32, text: String) {
        self.status = status
        self.text = text
    }

    init(_ failure: KafkaFailure) {
        status = GatewayFault.directStatus(failure)
        text = failure.cause
        highWatermark = failure.position.highWatermark
        logStartOffset = failure.position.logStartOffset
        nextOffset = failure.nextOffset ?? -1
    }
}
