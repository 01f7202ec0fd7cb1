import KafkaCore
import PubSubProtocol
import Timing

/// Who waits for the host.
struct HostPurpose {
    let session: Session
    let command: PendingCommand
}

/// Commands of the host's own: handed out as events, answered by token, in the order of the
/// session's other commands.
extension GatewayEngine {
    /// Commands that the host has been given already keep their receiver.
    public func setHostCommands(_ table: HostCommandTable, now: Instant) {
        self.now = now
        hostCommands = table
    }

    func hostCommands(of session: Session) -> HostCommandSet {
        session.service.map { hostCommands.commands(of: $0.route.id) } ?? .none
    }

    /// `payload`: the sub-message, or the JSON value.
    func perform(
        _ session: Session, _ sequence: Int64, _ command: HostCommand,
        _ payload: UnsafeRawBufferPointer
    ) {
        let pending = begin(session, sequence, .host, isOrdered: true)
        let limit = session.service?.route.policy.limits.commandMilliseconds ?? 0
        pending.host = HostWait(
            command: command, payloadBytes: payload.count,
            endsAt: now.adding(milliseconds: limit))
        guard session.access?.allows(host: command.name) == true else {
            return complete(
                session, pending, .notAllowed,
                error: "the command \(command.name) is not allowed here")
        }
        let token = HostToken(
            number: nextNumber(), loop: loop, isJSON: session.format != .binary)
        pending.token = .host(token)
        hostRequests[token] = HostPurpose(session: session, command: pending)
        session.heldReplyBytes += payload.count
        session.desk?.hosted.append(pending)
        schedule(session)
        effects.append(
            .event(
                .command(
                    HostCall(
                        token: token, session: session.id, userData: session.userData,
                        sequence: sequence, command: command, payload: Array(payload)))))
    }

    /// The host's answer. Tokens that wait for none are ignored.
    public func answer(_ token: HostToken, _ answer: HostAnswer, now: Instant) {
        self.now = now
        guard let purpose = hostRequests.removeValue(forKey: token),
            let host = purpose.command.host
        else { return }
        let (session, command) = (purpose.session, purpose.command)
        release(session, command)
        switch answer {
        case .message(let bytes):
            let field = host.command.responseField
            bytes.withUnsafeBytes {
                complete(
                    session, command, nil,
                    .host(field: field, key: host.command.responseKey, $0))
            }
        case .failure(let code, let text):
            complete(
                session, command, .hostCommand,
                .error(ErrorReply(ReplyCode(rawValue: code), text)))
        case .noReceiver:
            complete(
                session, command, .unavailable,
                error: "nobody takes the command \(host.command.name) now", retriable: true)
        }
    }

    /// The command waits for the host no more.
    private func release(_ session: Session, _ command: PendingCommand) {
        command.token = .none
        session.heldReplyBytes -= command.host?.payloadBytes ?? 0
        session.desk?.hosted.dropAnswered()
    }

    /// Takes a command back from the host: it may not answer any more.
    func withdraw(_ token: HostToken) {
        hostRequests[token] = nil
        effects.append(.commandOver(token))
    }

    /// Answers for the host what it has not answered in time.
    func expireHostCommands(_ session: Session) {
        while let command = session.desk?.hosted.expired(now),
            case .host(let token) = command.token,
            let name = command.host?.command.name
        {
            withdraw(token)
            release(session, command)
            counts.limitHits["command_ms", default: 0] += 1
            complete(
                session, command, .timedOut, error: "the command \(name) timed out",
                retriable: true)
        }
    }
}
