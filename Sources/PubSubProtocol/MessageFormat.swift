/// How a session's messages are written: the WebSocket sub-protocol that was agreed.
public enum MessageFormat: Equatable, Sendable {
    /// `pubsub.proto` or none: protobuf in binary frames.
    case binary
    /// `pubsub.json`: proto3 JSON in text frames.
    case json
    /// `pubsub.text`: the same shape for people, in text frames.
    case text

    /// What may be agreed on in `Sec-WebSocket-Protocol`.
    public static let subprotocols = ["pubsub.proto", "pubsub.json", "pubsub.text"]

    /// `Sec-WebSocket-Protocol` names, exactly; nil for one that is not ours.
    public init?(subprotocol name: String) {
        switch name {
        case "pubsub.proto": self = .binary
        case "pubsub.json": self = .json
        case "pubsub.text": self = .text
        default: return nil
        }
    }
}
