/// What clients did to one broker.
public struct BrokerCounters: Equatable, Sendable {
    /// Requests by API key, those that were refused included.
    public internal(set) var requests: [Int16: Int] = [:]
    public internal(set) var connectionsOpened = 0
    public internal(set) var connectionsOpen = 0
    /// The largest number of connections that were open at once.
    public internal(set) var connectionsOpenMax = 0
    public internal(set) var bytesReceived = 0
    public internal(set) var bytesSent = 0

    public init() {}

    public var requestCount: Int { requests.values.reduce(0, +) }

    mutating func opened() {
        connectionsOpened += 1
        connectionsOpen += 1
        connectionsOpenMax = max(connectionsOpenMax, connectionsOpen)
    }
}

/// What one client did on one connection.
public struct ConnectionFacts: Equatable, Sendable {
    public let id: ClientConnectionID
    public let broker: Int32
    public internal(set) var clientID: String?
    /// From ApiVersions (KIP-511).
    public internal(set) var software: String?
    /// The name of the user that logged in.
    public internal(set) var user: String?
    /// What it has sent beside its token (KIP-342).
    public internal(set) var extensions: [String: String] = [:]
    public internal(set) var requests: [Int16: Int] = [:]

    init(id: ClientConnectionID, broker: Int32) {
        self.id = id
        self.broker = broker
    }
}
