import WebSocketProtocol

/// The 101 for hosts that answer the upgrade by themselves.
public enum Handshake {
    public static func text(key: String, subprotocol: String?) throws(Failure) -> String {
        guard let text = UpgradeResponse.text(key: key, subprotocol: subprotocol) else {
            throw Failure(
                .invalid,
                "websocket_key is not the base64 of 16 bytes, or protocol is no token of HTTP")
        }
        return text
    }
}
