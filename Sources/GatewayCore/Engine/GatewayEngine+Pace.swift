import PubSubProtocol
import WebSocketProtocol

/// `limits.commands_per_second`: beyond it commands are answered with an error, and not performed
/// nor even decoded; a client that goes on and on is sent away.
extension GatewayEngine {
    /// So much of the next message is inflated.
    func inflatesUpTo(_ session: Session) -> Int? {
        if session.hasLeft, !isHeardAfterLeaving(session) { return 0 }
        return session.pace?.refuses(now) == true ? RequestHead.bytesMax : nil
    }

    func refuseTooFast(
        _ session: Session, _ opcode: Opcode, _ payload: UnsafeRawBufferPointer
    ) {
        counts.limitHits["commands_per_second", default: 0] += 1
        spent &+= Work.refusal
        let isOfKind = (opcode == .text) == (session.format != .binary)
        let head = RequestHead(
            isOfKind ? payload : UnsafeRawBufferPointer(start: nil, count: 0), as: session.format,
            hostFields: hostFields(of: session))
        answer(
            session, head.sequence, kind(session, head.command), .limit,
            isOrdered: !head.usesExtensions,
            error: "limits.commands_per_second: at most \(session.limits.commandsPerSecond)",
            retriable: true)
    }

    func closeTooFast(_ session: Session) {
        counts.limitHits["commands_per_second", default: 0] += 1
        close(
            session, .tooManyCommands,
            "more than \(session.limits.commandsPerSecond) commands a second, and no end")
    }

    private func kind(_ session: Session, _ command: Command) -> CommandKind {
        switch command {
        case .ping: .ping
        case .empty: .empty
        case .fetch: .fetch
        case .listOffset: .listOffset
        case .subscribe: .subscribe
        case .unsubscribe: .unsubscribe
        case .grant: .grant
        case .pause: .pause
        case .metadata: .metadata
        case .produce: .produce
        case .none: .malformed
        case .unknown(let field, _):
            hostCommands(of: session).byRequestField[field] == nil ? .unknown : .host
        }
    }
}
