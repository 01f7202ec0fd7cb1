/// A request that brings a command in its body, and gets the reply in the response. Nothing was
/// promised to the client yet.
public struct PostRequest: Sendable {
    /// As sent.
    public let target: String
    /// Decoded, as `RequestPath` says.
    public let path: String
    public let host: Authority
    public let origin: String?
    /// Bytes of the body.
    public let length: Int
    /// The client waits for a 100 before it sends the body (RFC 9110 section 10.1.1).
    public let expectsContinue: Bool
    public let headers: HeaderFields

    /// RFC 9112 section 6.3: a length of so many digits is none that anybody reads.
    private static let lengthDigitsMax = 12
}

extension PostRequest {
    init(_ line: RequestLine, _ headers: HeaderFields) throws(HTTPRejection) {
        // Proxies speak HTTP/1.0 to what stands behind them, unless they are told otherwise.
        guard line.isHTTP11 || line.isHTTP10 else {
            throw .malformed("the request is neither HTTP/1.1 nor HTTP/1.0")
        }
        let target = try RequestTarget(line.target)
        host = try UpgradeRequest.host(headers, target)
        length = try Self.length(headers)
        try Self.checkType(headers)
        expectsContinue = line.isHTTP11 && headers.list("expect", contains: "100-continue")
        origin = try headers.single("origin")
        try Self.checkSite(headers, origin)
        self.target = line.target
        path = target.path
        self.headers = headers
    }

    /// One way only to tell where the body ends: of two, a proxy could believe in the other.
    private static func length(_ headers: HeaderFields) throws(HTTPRejection) -> Int {
        guard headers.first("transfer-encoding") == nil,
            let text = try headers.single("content-length")
        else { throw .lengthRequired }
        guard !text.isEmpty, text.utf8.count <= lengthDigitsMax,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text)
        else { throw .malformed("the Content-Length is malformed") }
        return length
    }

    /// A page of another origin may send other types without asking first (CORS).
    private static func checkType(_ headers: HeaderFields) throws(HTTPRejection) {
        guard let type = try headers.single("content-type") else { throw .mediaType }
        let name = type.prefix { $0 != ";" }
        guard HTTPGrammar.lowercased(HTTPGrammar.trimmed(name)) == "application/json" else {
            throw .mediaType
        }
    }

    /// Fetch Metadata: a browser says so where it leaves the Origin out.
    private static func checkSite(
        _ headers: HeaderFields, _ origin: String?
    ) throws(HTTPRejection) {
        guard origin == nil, try headers.single("sec-fetch-site") == "cross-site" else { return }
        throw .foreignOrigin
    }
}
