import KafkaCore
import KafkaProducing

/// Names a producer of the host's within the process.
public struct DirectProducerID: Hashable, Sendable {
    public let raw: UInt64
    public init(raw: UInt64) { self.raw = raw }
}

/// What a host asks of a producer, in order.
public enum ProducerAsk: Sendable {
    case records(RecordBlock)
    case flush(token: UInt64)
    case begin(token: UInt64)
    case commit(token: UInt64)
    case abort(token: UInt64)
}

/// What became of what a host asked.
public struct DirectProducerEvent {
    public enum Step: Int32, Sendable {
        case begin = 1
        case commit = 2
        case abort = 3
    }

    public enum Content {
        case delivered(DeliveryReport, ProducerFault?)
        /// Reports that the host does not want, of so many bytes.
        case untold(bytes: Int)
        case flushed(token: UInt64, ProducerFault?)
        case transaction(Step, token: UInt64, ProducerFault?)
    }

    public var producer: DirectProducerID
    public var content: Content
}

/// Why it was not done. The host is trusted, but texts of producers name no broker.
public struct ProducerFault: Equatable, Sendable {
    /// `PUBSUBGW_E_...`
    public var status: Int32
    public var text: String
    public var mayBeStored = false
    /// The transaction can only be aborted.
    public var mustAbort = false
    /// Another producer is needed.
    public var isFatal = false
}

/// A producer of the host's on one loop.
final class DirectProducer {
    let id: DirectProducerID
    let seat: ClusterSeat
    let producer: ProducerID
    let settings: DirectProducerSettings
    /// What the host has asked for since something that is waited for.
    private var asks: [ProducerAsk] = []
    /// What nothing overtakes, until its outcome.
    var waiting: (step: DirectProducerEvent.Step, token: UInt64)?
    var isInitialized = false
    var isBroken = false
    var flushes: [FlushToken: [UInt64]] = [:]

    init(
        _ id: DirectProducerID, _ settings: DirectProducerSettings, _ seat: ClusterSeat,
        _ producer: ProducerID
    ) {
        self.id = id
        self.settings = settings
        self.seat = seat
        self.producer = producer
    }

    func add(_ ask: ProducerAsk) { asks.append(ask) }

    /// All that may be done now.
    func takeAsks() -> [ProducerAsk] {
        guard waiting == nil else { return [] }
        defer { asks = [] }
        return asks
    }

    /// In front of what was asked for meanwhile.
    func putBack(_ rest: ArraySlice<ProducerAsk>) { asks.insert(contentsOf: rest, at: 0) }
}
