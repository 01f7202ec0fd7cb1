import Bytes
import Digests

/// The 101 (RFC 6455 section 4.2.2). Send it only when everything has been checked: behind it the
/// client is inside.
public enum UpgradeResponse {
    /// - `subprotocol`: one of `UpgradeRequest.protocols`, or nil.
    /// - `deflate`: nil leaves the header out; some browsers fail on an empty one.
    public static func write(
        to request: UpgradeRequest, subprotocol: String? = nil, deflate: DeflateAgreement? = nil,
        into output: inout ByteWriter
    ) {
        output.string("HTTP/1.1 101 Switching Protocols\r\n")
        output.string("Upgrade: websocket\r\nConnection: Upgrade\r\n")
        output.string("Sec-WebSocket-Accept: \(accept(request.key))\r\n")
        if let subprotocol {
            precondition(HTTPGrammar.isToken(subprotocol), "a sub-protocol that is no token")
            output.string("Sec-WebSocket-Protocol: \(subprotocol)\r\n")
        }
        if let deflate {
            output.string("Sec-WebSocket-Extensions: \(deflate.headerValue)\r\n")
        }
        output.string("\r\n")
    }

    /// The 101 for a host that has checked the request by itself. nil: the key is not the base64
    /// of 16 bytes, or the sub-protocol is no token.
    public static func text(key: String, subprotocol: String?) -> String? {
        guard UpgradeRequest.isKey(key) else { return nil }
        if let subprotocol, !HTTPGrammar.isToken(subprotocol) { return nil }
        let agreed = subprotocol.map { "Sec-WebSocket-Protocol: \($0)\r\n" } ?? ""
        return "HTTP/1.1 101 Switching Protocols\r\n"
            + "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(accept(key))\r\n\(agreed)\r\n"
    }

    /// The proof that the server speaks WebSocket (RFC 6455 section 1.3).
    static func accept(_ key: String) -> String {
        base64Encode(sha1([UInt8](key.utf8) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
    }
}
