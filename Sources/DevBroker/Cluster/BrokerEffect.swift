import Bytes

/// What the driver of a `BrokerCluster` has to perform, in this order.
public enum BrokerEffect {
    /// Bytes for a client, whole frames with their length in front.
    case send(ClientConnectionID, ByteBlock)
    /// Close after what was sent before has been written.
    case close(ClientConnectionID)
    /// The broker has gone down (false) or come back (true): its port refuses or accepts.
    case listening(broker: Int32, Bool)
}
