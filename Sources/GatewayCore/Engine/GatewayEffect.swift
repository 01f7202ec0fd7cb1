import Bytes
import KafkaCore

/// What the driver does for the engine. It takes `GatewayEngine.effects` after every call and
/// performs them in order. What is rare and large lies in a box of its own: the others, which each
/// message has, are moved in registers.
public enum GatewayEffect {
    /// Output waits: call `writeOutput` before the turn ends. Comes once until that call.
    case wantsWrite(SessionID)
    /// Don't call `received` for this session until `resumeReading`. Errors of the socket and the
    /// end of the stream are still told: `failed`, `clientLeft`.
    case pauseReading(SessionID)
    case resumeReading(SessionID)
    /// The session is over; the engine knows its id no more. `linger`: everything was written;
    /// shut down the sending side and read to the end (2 s at most) before closing, so that a
    /// reset does not overtake the Close frame (RFC 6455 section 7.1.1). Otherwise close at once.
    case closeSocket(SessionID, linger: Bool)
    /// For the host's queue.
    indirect case event(HostEvent)
    /// The command was answered for the host, or its session is over: an answer comes too late.
    case commandOver(HostToken)
    /// For the queue of the host's own Kafka client.
    indirect case direct(DirectEvent)
    /// Likewise of a producer of the host's.
    indirect case producer(DirectProducerEvent)
    case log(LogLevel, String)

    // Brokers. The driver answers with `brokerOpened`, `brokerReceived`, `brokerClosed`,
    // `brokerWorked`.
    indirect case brokerConnect(BrokerConnectionID, Endpoint, ClusterSettings)
    case brokerSend(BrokerConnectionID, ByteBlock)
    /// The cluster has given the connection up; nothing of it is to be told any more.
    case brokerClose(BrokerConnectionID)
    /// On a helper thread.
    indirect case brokerWork(BrokerConnectionID, LoginWork)
}

/// What a host is told about its sessions, and asked by them.
public enum HostEvent: Equatable, Sendable {
    /// An upgrade was accepted.
    case opened(SessionOpened)
    /// The last event of a session, and exactly one for each `open`.
    case closed(SessionClosed)
    /// A client's command, for the command's receiver. Answered with `answer`, or followed by
    /// `commandOver`.
    case command(HostCall)
    /// Drain has ended: no session is left.
    case drained
}

public struct SessionOpened: Equatable, Sendable {
    public var session: SessionID
    public var route: String
    public var isJSON: Bool
    public var unsentBytesMax: Int
}

public struct SessionClosed: Equatable, Sendable {
    public var session: SessionID
    public var userData: UInt64
    /// The close code of the WebSocket: what was sent, else what the client sent, else 1006.
    /// 0: the upgrade was refused (`httpStatus` says how) or never came.
    public var code: UInt16
    public var reason: String
    /// 101, or the refusal's status; 0 if no answer was written.
    public var httpStatus: Int
    public var bytesOut: Int64
    public var bytesIn: Int64
}

/// What is left after `writeOutput`.
public enum OutputState: Equatable, Sendable {
    /// Nothing waits.
    case drained
    /// The socket took less than was offered: call again when it is writable.
    case blocked
    /// This session had its share of the turn: call again in the next one.
    case more
    /// The session is over (its effects say what to do) or unknown.
    case closed
}
