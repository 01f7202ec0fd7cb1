import GatewayCore

/// What `pubsubgw_new` is configured with, and the bounds of the drivers.
public struct RuntimeSettings: Sendable {
    public var gateway = GatewaySettings()
    public var limits = DriverLimits()

    public init() {}

    /// `json` nil: the defaults. The header lists the keys.
    public init(json: String?) throws(Failure) {
        guard var json else { return }
        let parsed = json.withUTF8 { utf8 in
            Result { () throws(ConfigurationError) in
                try GatewaySettings.parse(UnsafeRawBufferPointer(utf8))
            }
        }
        switch parsed {
        case .success(let settings): gateway = settings
        case .failure(let error): throw Failure(.config, "config_json: \(error)")
        }
    }
}

/// The bounds of the drivers, each with the reason for its default.
public struct DriverLimits: Sendable {
    /// One recv of a client: a message of the largest usual size in one call, and still in the
    /// second-level cache. One buffer serves all sessions of a loop.
    public var receiveBytes = 128 << 10
    /// Received from one broker connection before the others get their turn.
    public var brokerReceiveBytesPerTurn = 1 << 20
    /// How long a closed connection is read to its end (RFC 6455 section 7.1.1): a reset must not
    /// overtake the Close frame, and a peer that does not close must not keep a descriptor.
    public var lingerMilliseconds: Int64 = 2_000
    /// A connection to a broker, from the look-up to the end of the TLS handshake. Kafka's
    /// `socket.connection.setup.timeout.ms`.
    public var connectTimeoutMilliseconds: Int64 = 10_000
    /// A helper's job gets so long when the gateway stops: getaddrinfo cannot be cancelled.
    public var helperStopMilliseconds: Int32 = 200
    /// How long a caller waits for the numbers of one loop.
    public var askMilliseconds: Int64 = 1_000

    public init() {}
}
