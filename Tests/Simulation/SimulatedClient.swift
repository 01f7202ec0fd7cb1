import KafkaCore
import Timing

/// What connects to simulated brokers: an engine, as its driver sees it.
public protocol SimulatedClient: AnyObject {
    func opened(_ id: BrokerConnectionID, now: Instant)
    func closed(_ id: BrokerConnectionID, _ failure: ConnectionFailure, now: Instant)
    func received(_ id: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant)
    /// Where the next bytes are to be put in place; nil: the engine wants them lent.
    func receiveSpace(_ id: BrokerConnectionID) -> UnsafeMutableRawBufferPointer?
    func didReceive(_ id: BrokerConnectionID, _ count: Int, now: Instant)
    /// More is received in the same turn of the loop, or later: what the engine wants is done.
    func endOfPiece()
}
