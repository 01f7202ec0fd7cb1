import Bytes
import Glibc
import KafkaCore
import Timing

/// The gateway on one loop, without its I/O: sessions, and the Kafka clusters behind them. Events
/// come in with the time; what is to be done is appended to `effects`, which the driver takes and
/// performs after every call, in order. Not to be entered again from the performing of an effect.
public final class GatewayEngine {
    /// Taken (and left empty) by the driver after each call.
    public var effects: [GatewayEffect] = []

    /// `seed` drives all jitter: equal seeds and equal events give equal runs.
    public init(settings: GatewaySettings, census: SessionCensus, loop: Int, seed: UInt64) {}

    // MARK: Routes

    /// Sessions keep the route that they began with, unless it is in `closing`: those get 1001.
    public func setRoutes(_ table: RouteTable, closing: Set<String> = [], now: Instant) {}

    // MARK: Sessions

    /// A new client. Whatever is wrong with it is answered on its socket, and ends in `closed`.
    public func open(_ id: SessionID, _ opening: SessionOpening, now: Instant) {}

    /// Bytes from the client, any piece of the stream. They are unmasked in place.
    public func received(
        _ id: SessionID, _ bytes: UnsafeMutableRawBufferPointer, now: Instant
    ) {}

    /// The client has shut down its sending side.
    public func endOfStream(_ id: SessionID, now: Instant) {}

    /// The socket failed: reset, broken pipe. Nothing can be written any more.
    public func failed(_ id: SessionID, _ reason: String, now: Instant) {}

    /// Offers what waits to be sent. `write` gets at most `iovecsMax` buffers, answers how many
    /// bytes the socket took (0: none) or a negative number if it failed, and may be called several
    /// times. Buffers are valid during the call.
    public func writeOutput(
        _ id: SessionID, now: Instant, _ write: (UnsafeBufferPointer<iovec>) -> Int
    ) -> OutputState { .closed }

    /// Buffers of one `write`.
    public static let iovecsMax = 64

    /// Ends one session with a Close frame. Unknown sessions are ignored.
    public func close(_ id: SessionID, code: UInt16, reason: String, now: Instant) {}

    /// No new sessions (503); each of the others gets a Close frame, spread over `spread`, and is
    /// cut off at the end of its closing handshake. `drained` comes when none is left.
    public func drain(closeCode: UInt16, reason: String, spreadMilliseconds: Int64, now: Instant) {}

    /// Ends every session at once, without a handshake, and closes all broker connections.
    public func shutDown(now: Instant) {}

    public var sessionCount: Int { 0 }

    // MARK: Brokers

    public func brokerOpened(_ connection: BrokerConnectionID, now: Instant) {}

    public func brokerReceived(
        _ connection: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant
    ) {}

    /// In the middle of a large response: where the driver may receive straight into.
    public func brokerReceiveSpace(
        _ connection: BrokerConnectionID
    ) -> UnsafeMutableRawBufferPointer? { nil }

    /// `count` bytes of `brokerReceiveSpace` were filled.
    public func brokerDidReceive(
        _ connection: BrokerConnectionID, _ count: Int, now: Instant
    ) {}

    public func brokerClosed(
        _ connection: BrokerConnectionID, _ failure: ConnectionFailure, now: Instant
    ) {}

    public func brokerKeyDerived(
        _ connection: BrokerConnectionID, saltedPassword: [UInt8], now: Instant
    ) {}

    // MARK: Time

    /// Call at or after `nextDeadline`.
    public func tick(now: Instant) {}

    /// nil: nothing is due until another event.
    public var nextDeadline: Instant? { nil }

    /// Once a turn while `hasWork`, behind the events of the turn: requests are sent and large
    /// responses decoded here, a bounded piece a call.
    public func work(now: Instant) {}

    public var hasWork: Bool { false }

    // MARK: Numbers

    public func metrics() -> GatewayMetrics { GatewayMetrics() }
}
