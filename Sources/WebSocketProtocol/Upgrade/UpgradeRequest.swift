/// A client's handshake that follows RFC 6455 section 4.2.1 in every point. Nothing was promised
/// to the client yet: route, origin, policy and limits come first, then `UpgradeResponse`.
public struct UpgradeRequest: Sendable {
    /// Always GET.
    public let method: String
    /// As sent.
    public let target: String
    /// Decoded, as `RequestPath` says.
    public let path: String
    /// As sent, without the question mark. It may hold credentials: not for logs.
    public let query: String?
    public let host: Authority
    public let origin: String?
    /// Sec-WebSocket-Key: base64 of 16 bytes; empty when the host has answered it.
    public let key: String
    /// Sec-WebSocket-Version: always 13.
    public let version: Int
    /// Sec-WebSocket-Protocol, in the client's order. Browsers put tokens there: not for logs.
    public let protocols: [String]
    public let extensions: [ExtensionOffer]
    public let headers: HeaderFields
}

extension UpgradeRequest {
    /// Checks a whole head, whose lines are well-formed, point by point.
    init(
        _ line: RequestLine, _ headers: HeaderFields, limits: UpgradeLimits
    ) throws(HTTPRejection) {
        guard line.isHTTP11 else { throw .malformed("the request is not HTTP/1.1") }
        guard line.method == "GET" else { throw .method }
        let target = try RequestTarget(line.target)
        try Self.checkThatNoBodyFollows(headers)
        try Self.checkUpgrade(headers)
        host = try Self.host(headers, target)
        key = try Self.key(headers)
        protocols = try Self.protocols(headers, limits)
        extensions = try Self.extensions(headers, limits)
        origin = try headers.single("origin")
        method = line.method
        self.target = line.target
        path = target.path
        query = target.query
        version = 13
        self.headers = headers
    }

    /// Bytes behind the head are frames to us. A proxy that believes in a body would take them for
    /// one, or take frames for the next request: request smuggling.
    private static func checkThatNoBodyFollows(_ headers: HeaderFields) throws(HTTPRejection) {
        guard headers.first("transfer-encoding") == nil else {
            throw .malformed("an upgrade cannot have a body")
        }
        // A length of 0 is harmless: everybody agrees on where the request ends.
        guard try headers.single("content-length") ?? "0" == "0" else {
            throw .malformed("an upgrade cannot have a body")
        }
    }

    private static func checkUpgrade(_ headers: HeaderFields) throws(HTTPRejection) {
        guard headers.list("upgrade", contains: "websocket") else {
            throw .malformed("this is a WebSocket: the request has no \"Upgrade: websocket\"")
        }
        guard headers.list("connection", contains: "upgrade") else {
            throw .malformed("the request has no \"Connection: Upgrade\"")
        }
        guard let version = try headers.single("sec-websocket-version") else {
            throw .malformed("the request has no Sec-WebSocket-Version")
        }
        guard version == "13" else { throw .version }
    }

    static func host(
        _ headers: HeaderFields, _ target: RequestTarget
    ) throws(HTTPRejection) -> Authority {
        guard let value = try headers.single("host") else {
            throw .malformed("the request has no Host")
        }
        let host = try authority(value)
        // Stricter than RFC 9112 section 3.2.2, which lets the target win: who names two hosts
        // means to be taken for one by us and for the other by somebody else.
        guard target.authority == nil || target.authority == host else {
            throw .malformed("the request target and the Host differ")
        }
        return host
    }

    static func authority(_ text: String) throws(HTTPRejection) -> Authority {
        guard let authority = Authority(text) else { throw .malformed("the Host is malformed") }
        return authority
    }

    private static func key(_ headers: HeaderFields) throws(HTTPRejection) -> String {
        guard let key = try headers.single("sec-websocket-key") else {
            throw .malformed("the request has no Sec-WebSocket-Key")
        }
        guard isKey(key) else {
            throw .malformed("the Sec-WebSocket-Key is not base64 of 16 bytes")
        }
        return key
    }

    /// 16 bytes are 22 characters of base64 and two of padding.
    static func isKey(_ key: String) -> Bool {
        key.utf8.count == 24 && key.hasSuffix("==") && key.utf8.dropLast(2).allSatisfy(isBase64)
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }

    /// RFC 6455 section 4.1, point 10: tokens, all different.
    private static func protocols(
        _ headers: HeaderFields, _ limits: UpgradeLimits
    ) throws(HTTPRejection) -> [String] {
        var names: [String] = []
        for value in headers.all("sec-websocket-protocol") {
            guard let tokens = HTTPGrammar.tokens(value) else {
                throw .malformed("the Sec-WebSocket-Protocol is malformed")
            }
            guard names.count + tokens.count <= limits.offerCountMax else {
                throw .headTooLarge("too many names in Sec-WebSocket-Protocol")
            }
            names += tokens.map(String.init)
        }
        guard Set(names).count == names.count else {
            throw .malformed("a name stands twice in Sec-WebSocket-Protocol")
        }
        return names
    }

    private static func extensions(
        _ headers: HeaderFields, _ limits: UpgradeLimits
    ) throws(HTTPRejection) -> [ExtensionOffer] {
        var offers: [ExtensionOffer] = []
        for value in headers.all("sec-websocket-extensions") {
            offers += try Self.offers(value)
            guard offers.count <= limits.offerCountMax else {
                throw .headTooLarge("too many offers in Sec-WebSocket-Extensions")
            }
        }
        return offers
    }

    static func offers(_ value: String) throws(HTTPRejection) -> [ExtensionOffer] {
        guard let offers = ExtensionOffer.list(value) else {
            throw .malformed("the Sec-WebSocket-Extensions is malformed")
        }
        return offers
    }
}
