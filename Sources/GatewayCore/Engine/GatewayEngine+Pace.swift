import PubSubProtocol
import WebSocketProtocol

/// `limits.commands_per_second`: beyond it commands are answered with an error, and not performed;
/// a client that goes on and on is sent away.
extension GatewayEngine {
    func refuseTooFast(
        _ session: Session, _ opcode: Opcode, _ payload: UnsafeRawBufferPointer
    ) {
        counts.limitHits["commands_per_second", default: 0] += 1
        var sequence: Int64 = 0
        var kind = CommandKind.malformed
        var isOrdered = true
        if (opcode == .text) == (session.format != .binary) {
            do throws(MalformedMessage) {
                let request = try decode(session, payload)
                sequence = request.sequence
                kind = self.kind(session, request.command)
                isOrdered = !request.usesExtensions
            } catch {
                sequence = error.sequence
            }
        }
        answer(
            session, sequence, kind, .limit, isOrdered: isOrdered,
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
        case .none: .malformed
        case .unknown(let field, _):
            hostCommands(of: session).byRequestField[field] == nil ? .unknown : .host
        }
    }
}
