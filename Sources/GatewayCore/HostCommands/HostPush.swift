import PubSubProtocol
import Timing

/// A message that the host sends without a request.
public struct HostPush: Sendable {
    /// The field of the response.
    public var field: Int
    /// The bytes of its sub-message, or a JSON value where the session speaks JSON.
    public var message: [UInt8]

    /// nil: the field is none that a host may use.
    public init?(field: Int, message: [UInt8]) {
        guard Command.isHost(field: field) else { return nil }
        self.field = field
        self.message = message
    }
}

extension HostCommandTable {
    /// Whether some command of the route's names the field for the JSON sub-protocols.
    public func names(responseField field: Int, route: String) -> Bool {
        commands(of: route).responseKey(field) != nil
    }
}

extension GatewayEngine {
    /// Sends the host's message behind what is being sent already. Sessions that are not open, or
    /// whose sub-protocol has no name for the field, get nothing.
    public func push(_ id: SessionID, _ push: HostPush, now: Instant) {
        self.now = now
        guard let session = sessions[id], session.phase == .open else { return }
        let key = hostCommands(of: session).responseKey(push.field)
        let isWellFormed =
            session.format == .binary
            || key != nil && push.message.withUnsafeBytes { HostAnswer.isJSON($0) }
        guard isWellFormed else {
            return log(.warning, session, "a push of field \(push.field) has no form in JSON")
        }
        push.message.withUnsafeBytes {
            sendReply(session, 0, .host(field: push.field, key: key ?? "", $0))
        }
    }

    /// Bytes that wait to be sent to a client, those of records included.
    public func unsentBytes(of id: SessionID) -> Int { sessions[id]?.output.unsentBytes ?? 0 }
}
