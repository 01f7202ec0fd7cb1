/// How a client came to the gateway, and what is already known of it.
public struct SessionOpening: Sendable {
    public enum Start: Sendable {
        /// The library accepted the connection: the request head comes from the socket.
        case accepted
        /// The host read the whole request head (up to and including the empty line). The engine
        /// checks it and answers with the 101 or the refusal.
        case head([UInt8])
        /// The host checked the request. `key` is its `Sec-WebSocket-Key`, and the engine writes
        /// the 101; nil: the host has sent the 101 already.
        case agreed(key: String?, subprotocol: String?, extensions: String?)
        /// The host has answered the whole request head with its own 101, and speaks WebSocket.
        /// The engine checks it; `subprotocol` nil: the host has agreed as the engine would.
        case answered(head: [UInt8], subprotocol: String?)
    }

    public var start: Start
    /// The route of that id; nil: matched by host and path.
    public var routeID: String?
    /// What the route is matched by when there is no request head; a head's own values win.
    public var host: String?
    public var uri: String?
    /// The page that asks, where there is no request head; nil: none, or the host has checked it.
    public var origin: String?
    /// The client's address without its port, for limits per address and the log.
    public var remoteAddress: String?
    /// Narrows the route for this session.
    public var policy: SessionPolicy?
    /// Bytes that the host read past the request head.
    public var preread: [UInt8]
    /// Handed back in the session's events.
    public var userData: UInt64
    /// The host owns WebSocket: messages come instead of frames, and nobody answers pings.
    public var speaksMessages = false

    public init(
        start: Start, routeID: String? = nil, host: String? = nil, uri: String? = nil,
        origin: String? = nil,
        remoteAddress: String? = nil, policy: SessionPolicy? = nil, preread: [UInt8] = [],
        userData: UInt64 = 0
    ) {
        self.start = start
        self.routeID = routeID
        self.host = host
        self.uri = uri
        self.origin = origin
        self.remoteAddress = remoteAddress
        self.policy = policy
        self.preread = preread
        self.userData = userData
    }
}
