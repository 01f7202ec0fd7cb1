import Bytes

/// The response to a `PostRequest`. The connection ends behind it.
public struct HTTPAnswer {
    public let status: Int
    /// JSON.
    public let body: [UInt8]
    /// A page's, which may read the answer (CORS); nil: none.
    public let origin: String?

    public init(status: Int, body: [UInt8], origin: String?) {
        self.status = status
        self.body = body
        self.origin = origin
    }

    /// What a client waits for before it sends the body.
    public static func writeContinue(into output: inout ByteWriter) {
        output.string("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// The whole response.
    public func write(into output: inout ByteWriter) {
        output.string("HTTP/1.1 \(status) \(HTTPRejection.phrase(status))\r\n")
        output.string("Content-Type: application/json\r\n")
        output.string("Content-Length: \(body.count)\r\n")
        output.string("Cache-Control: no-store\r\n")
        if let origin {
            output.string("Access-Control-Allow-Origin: \(origin)\r\nVary: Origin\r\n")
        }
        output.string("Connection: close\r\n\r\n")
        output.bytes(body)
    }
}
