import Bytes

/// An answer instead of the 101. The connection ends behind it: a client that was refused must not
/// go on to speak HTTP to us through a proxy that believes in a tunnel.
public struct HTTPRejection: Error, Equatable, Sendable {
    /// Why, in the words of the metric `pubsubgw_handshakes_rejected_total{reason}`.
    public enum Kind: String, Sendable {
        case malformed, version, method, tooLarge = "too_large"
        case origin, policy, route, draining, limit
    }

    public let status: Int
    public let kind: Kind
    /// One line for the body; nothing that the client sent is in it.
    public let text: String

    public init(status: Int, kind: Kind, text: String) {
        self.status = status
        self.kind = kind
        self.text = text
    }

    public static func malformed(_ text: String) -> HTTPRejection {
        HTTPRejection(status: 400, kind: .malformed, text: text)
    }
    public static func forbidden(_ kind: Kind, _ text: String) -> HTTPRejection {
        HTTPRejection(status: 403, kind: kind, text: text)
    }
    public static func unavailable(_ kind: Kind, _ text: String) -> HTTPRejection {
        HTTPRejection(status: 503, kind: kind, text: text)
    }
    public static let foreignOrigin = forbidden(.origin, "this origin is not allowed here")
    public static let noRoute = HTTPRejection(
        status: 404, kind: .route, text: "there is no route for this path")
    public static let method = HTTPRejection(
        status: 405, kind: .method, text: "a WebSocket is asked for by GET")
    static let lengthRequired = HTTPRejection(
        status: 411, kind: .malformed, text: "the body needs a Content-Length")
    static let mediaType = HTTPRejection(
        status: 415, kind: .malformed, text: "the body has to be application/json")
    public static let late = HTTPRejection(
        status: 408, kind: .tooLarge, text: "the body did not come in time")
    static let targetTooLong = HTTPRejection(
        status: 414, kind: .tooLarge, text: "the request line is too long")
    static let version = HTTPRejection(
        status: 426, kind: .version, text: "the WebSocket version must be 13")
    static func headTooLarge(_ text: String) -> HTTPRejection {
        HTTPRejection(status: 431, kind: .tooLarge, text: text)
    }

    /// The whole response.
    public func write(into output: inout ByteWriter) {
        output.string("HTTP/1.1 \(status) \(Self.phrase(status))\r\n")
        output.string("Content-Type: text/plain; charset=utf-8\r\n")
        output.string("Content-Length: \(text.utf8.count + 1)\r\n")
        switch status {
        case 405: output.string("Allow: GET\r\nConnection: close\r\n")
        // RFC 6455 section 4.4 asks for the version, RFC 9110 section 15.5.22 for Upgrade.
        case 426:
            output.string("Sec-WebSocket-Version: 13\r\n")
            output.string("Upgrade: websocket\r\nConnection: close, Upgrade\r\n")
        default: output.string("Connection: close\r\n")
        }
        output.string("\r\n\(text)\n")
    }

    static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Refused"
        }
    }
}
