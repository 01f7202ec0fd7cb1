import Bytes
import SASL
import Timing

/// A client's connection as its broker sees it. A broker answers one request at a time: what has
/// arrived behind a request that waits stays in `inbound`.
final class ClientConnection {
    let id: ClientConnectionID
    let broker: Broker
    var facts: ConnectionFacts
    var inbound = ByteWriter()
    /// A request has been taken and not been answered, or the client is throttled.
    var isBusy = false
    /// Guards against handling requests from within the handling of a request.
    var isAdvancing = false
    var isClosed = false
    /// The login in progress; a second one while `login` stands is a re-authentication (KIP-368).
    var exchange: SASLExchange?
    var login: Login?
    /// The Fetch that waits for records.
    var waitingFetch: WaitingFetch?

    struct Login {
        var username: String
        /// nil: for ever.
        var expires: Instant?
    }

    init(id: ClientConnectionID, broker: Broker) {
        self.id = id
        self.broker = broker
        facts = ConnectionFacts(id: id, broker: broker.id)
    }
}

/// A login in progress on a connection.
struct SASLExchange {
    let mechanism: SASLMechanism
    /// SaslHandshake v1: tokens come in SaslAuthenticate; v0: as bare frames.
    let isWrapped: Bool
    var server: ServerLogin
}
