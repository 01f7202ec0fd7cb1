import PubSubProtocol
import Timing

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
            let text = "a push of field \(push.field) has no form in JSON"
            let isNews = complaints.isNews(text, now: now)
            return log(isNews ? .warning : .debug, session, text)
        }
        push.message.withUnsafeBytes {
            sendReply(session, 0, .host(field: push.field, key: key ?? "", $0))
        }
    }
}
