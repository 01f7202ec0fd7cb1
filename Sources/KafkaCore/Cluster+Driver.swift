import Bytes
import SASL
import Timing

// The events of connections.
extension Cluster {
    /// TCP, and TLS where asked for, is up.
    public func opened(
        _ connection: BrokerConnectionID, now: Instant, _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) { links.opened(connection) }
    }

    /// Any piece of the stream. Whole frames inside it are decoded in place.
    public func received(
        _ connection: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) { links.received(connection, bytes) }
    }

    /// In the middle of a large frame: where the driver may receive straight into. Valid until the
    /// next event of this connection.
    public func receiveSpace(
        _ connection: BrokerConnectionID
    ) -> UnsafeMutableRawBufferPointer? { links[connection]?.frames.space }

    /// `count` bytes of `receiveSpace` were filled.
    public func didReceive(
        _ connection: BrokerConnectionID, _ count: Int, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) { links.didReceive(connection, count) }
    }

    /// Refused, reset, ended, TLS failed: the connection does not exist any more.
    public func closed(
        _ connection: BrokerConnectionID, _ failure: ConnectionFailure, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) { links.closed(connection, failure) }
    }

    /// What a login has asked for is done.
    public func worked(
        _ connection: BrokerConnectionID, _ result: LoginWork.Result, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) { links.worked(connection, result) }
    }
}
