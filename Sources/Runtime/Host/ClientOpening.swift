import GatewayCore
import WebSocketProtocol

/// How the host hands over a client (`pubsubgw_open`), checked as far as one can without the
/// gateway.
public struct ClientOpening: Sendable {
    public var duplicates: Bool
    /// The descriptor stays the host's.
    public var borrows: Bool
    public var tellsClosed: Bool
    /// Output that is there when a call returns is told by what it returns.
    public var tellsByReturn: Bool
    public var routeID: String?
    public var host: String?
    public var uri: String?
    public var origin: String?
    public var remoteAddress: String?
    public var requestHead: [UInt8]?
    public var websocketKey: String?
    public var websocketProtocol: String?
    public var websocketExtensions: String?
    public var policyJSON: String?
    public var preread: [UInt8]
    public var queue: EventQueue?
    public var userData: UInt64

    public init(
        duplicates: Bool = false, borrows: Bool = false, tellsClosed: Bool = true,
        tellsByReturn: Bool = false,
        routeID: String? = nil, host: String? = nil, uri: String? = nil,
        origin: String? = nil, remoteAddress: String? = nil,
        requestHead: [UInt8]? = nil, websocketKey: String? = nil,
        websocketProtocol: String? = nil, websocketExtensions: String? = nil,
        policyJSON: String? = nil, preread: [UInt8] = [], queue: EventQueue? = nil,
        userData: UInt64 = 0
    ) {
        self.duplicates = duplicates
        self.borrows = borrows
        self.tellsClosed = tellsClosed
        self.tellsByReturn = tellsByReturn
        self.routeID = routeID
        self.host = host
        self.uri = uri
        self.origin = origin
        self.remoteAddress = remoteAddress
        self.requestHead = requestHead
        self.websocketKey = websocketKey
        self.websocketProtocol = websocketProtocol
        self.websocketExtensions = websocketExtensions
        self.policyJSON = policyJSON
        self.preread = preread
        self.queue = queue
        self.userData = userData
    }

    /// The engine's view of it. `remoteAddress` is what the socket says, where the host is silent.
    func sessionOpening(peer: String?) throws(Failure) -> SessionOpening {
        try sessionOpening(try start(), peer: peer)
    }

    /// The same for a host that speaks WebSocket itself, and has answered.
    func messagesOpening() throws(Failure) -> SessionOpening {
        guard websocketKey == nil, websocketExtensions == nil else {
            throw Failure(
                .invalid, "a messages session has no websocket_key or websocket_extensions")
        }
        return try checkedOpening()
    }

    /// The same for a host that asks before it answers, whoever will speak WebSocket.
    func checkedOpening() throws(Failure) -> SessionOpening {
        guard let requestHead else { return try sessionOpening(try agreed(), peer: nil) }
        try mustHaveNoOrigin()
        return try sessionOpening(
            .answered(head: requestHead, subprotocol: websocketProtocol), peer: nil)
    }

    private func sessionOpening(
        _ start: SessionOpening.Start, peer: String?
    ) throws(Failure) -> SessionOpening {
        let opening = SessionOpening(
            start: start, routeID: routeID, host: host, uri: uri, origin: origin,
            remoteAddress: remoteAddress ?? peer, policy: try policy(), preread: preread,
            userData: userData)
        try opening.mustBeSound()
        return opening
    }

    private func start() throws(Failure) -> SessionOpening.Start {
        guard let requestHead else { return try agreed() }
        guard websocketKey == nil, websocketProtocol == nil, websocketExtensions == nil else {
            throw Failure(
                .invalid, "request_head excludes websocket_key, _protocol and _extensions")
        }
        try mustHaveNoOrigin()
        return .head(requestHead)
    }

    private func agreed() throws(Failure) -> SessionOpening.Start {
        guard routeID != nil || uri != nil else {
            throw Failure(.invalid, "open has neither route_id nor uri nor request_head")
        }
        return .agreed(
            key: websocketKey, subprotocol: websocketProtocol, extensions: websocketExtensions)
    }

    private func mustHaveNoOrigin() throws(Failure) {
        guard origin == nil else { throw Failure(.invalid, "request_head excludes origin") }
    }

    private func policy() throws(Failure) -> SessionPolicy? {
        guard var policyJSON else { return nil }
        let parsed = policyJSON.withUTF8 { utf8 in
            Result { () throws(ConfigurationError) in
                try SessionPolicy.parse(UnsafeRawBufferPointer(utf8))
            }
        }
        switch parsed {
        case .success(let policy): return policy
        case .failure(let error): throw Failure(.config, "policy_json: \(error)")
        }
    }
}

extension SessionOpening {
    /// What the host says beside or in place of a head. The head is the client's: the engine
    /// answers for that.
    fileprivate func mustBeSound() throws(Failure) {
        do throws(HTTPRejection) {
            let told = agreedValues
            _ = try UpgradeRequest(
                toldHost: host, uri: uri, origin: origin, key: told.key,
                subprotocol: told.subprotocol, extensions: told.extensions)
        } catch {
            throw Failure(.invalid, "open: \(error.text)")
        }
    }

    private var agreedValues: (key: String?, subprotocol: String?, extensions: String?) {
        switch start {
        case .accepted, .head: (nil, nil, nil)
        case .answered(_, let subprotocol): (nil, subprotocol, nil)
        case .agreed(let key, let subprotocol, let extensions): (key, subprotocol, extensions)
        }
    }
}
