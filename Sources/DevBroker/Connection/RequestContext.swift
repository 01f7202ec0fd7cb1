import Bytes
import KafkaProtocol
import Timing

/// A request on its way through the broker, with what goes wrong with it.
final class RequestContext {
    let header: RequestHeader
    let connection: ClientConnection
    let now: Instant
    /// The error that was put in for it.
    var injected: (standing: StandingFault, code: Int16)?
    /// The error that was put in for it although it is done.
    var injectedAfter: (standing: StandingFault, code: Int16)?
    private var isInjectedUsed = false
    /// What happens to its records.
    var damage: (standing: StandingFault, kind: RecordDamage)?
    private var isDamageUsed = false
    /// What happens to the frame of the answer.
    var transportFault: Fault.Action?
    var delayMilliseconds: Int64 = 0
    var throttleMilliseconds: Int32 = 0
    /// The connection ends behind the answer.
    var closesAfterwards = false

    init(header: RequestHeader, connection: ClientConnection, now: Instant) {
        self.header = header
        self.connection = connection
        self.now = now
    }

    var broker: Broker { connection.broker }
    var version: Int16 { header.apiVersion }

    /// The error that was injected for a partition; nil if none.
    func injectedError(topic: String, partition: Int32) -> Int16? {
        guard let injected, injected.standing.fault.fits(topic: topic, partition: partition) else {
            return nil
        }
        return use(injected)
    }

    /// What happens to the records of a partition; nil: nothing.
    func damage(topic: String, partition: Int32) -> RecordDamage? {
        guard let damage, damage.standing.fault.fits(topic: topic, partition: partition) else {
            return nil
        }
        if !isDamageUsed { damage.standing.remaining -= 1 }
        isDamageUsed = true
        return damage.kind
    }

    /// The error that was injected for a request without partitions.
    func injectedError() -> Int16? { injected.map(use) }

    /// The error that is told behind the work of a partition; nil if none.
    func errorAfter(topic: String, partition: Int32) -> Int16? {
        guard let injectedAfter,
            injectedAfter.standing.fault.fits(topic: topic, partition: partition)
        else { return nil }
        return use(injectedAfter)
    }

    /// The error that is told behind the work of a request without partitions.
    func errorAfter() -> Int16? { injectedAfter.map(use) }

    /// A request uses a fault up once, however many partitions it hits.
    private func use(_ injected: (standing: StandingFault, code: Int16)) -> Int16 {
        if !isInjectedUsed { injected.standing.remaining -= 1 }
        isInjectedUsed = true
        return injected.code
    }
}

/// What a handler has made of a request.
enum Outcome {
    case reply(ByteBlock)
    /// No answer is due (Produce with acks 0); the next request may come.
    case nothing
    /// The answer follows; the context is kept by who gives it.
    case later
    /// The connection is closed, which is how brokers refuse what they cannot read.
    case close
}
