extension UpgradeRequest {
    /// What a host tells of a request whose head it has checked and keeps to itself, value by value
    /// under the rules of a head.
    /// - `key`: nil when the host has sent the 101.
    /// - `subprotocol`, `extensions`: what was agreed on, as in the headers of the 101.
    public init(
        toldHost host: String?, uri: String?, origin: String?, key: String?,
        subprotocol: String?, extensions: String?
    ) throws(HTTPRejection) {
        let target = try RequestTarget(originForm: uri ?? "/")
        self.host = try host.map(Self.authority) ?? Self.nowhere
        guard key.map(Self.isKey) ?? true else {
            throw .malformed("the Sec-WebSocket-Key is not base64 of 16 bytes")
        }
        guard subprotocol.map(HTTPGrammar.isToken) ?? true else {
            throw .malformed("the sub-protocol that was agreed on is no token of HTTP")
        }
        method = "GET"
        self.target = uri ?? "/"
        path = target.path
        query = target.query
        self.origin = origin
        self.key = key ?? ""
        version = 13
        protocols = subprotocol.map { [$0] } ?? []
        self.extensions = try extensions.map(Self.offers) ?? []
        headers = HeaderFields()
    }

    /// No page and no route is of this host.
    private static let nowhere = Authority(host: "", port: nil)
}
