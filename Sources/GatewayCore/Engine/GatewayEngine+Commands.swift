import Bytes
import PubSubProtocol

extension GatewayEngine {
    func perform(
        _ session: Session, _ request: PubSubRequest, _ payload: UnsafeRawBufferPointer
    ) {
        let sequence = request.sequence
        switch request.command {
        case .ping(let state):
            guard allowed(session, .ping, .ping, request) else { return }
            request.withBytes(state, of: payload, in: session.format) { bytes in
                answer(session, sequence, .ping, nil, isOrdered: true, .pong(state: bytes))
            }
        case .none:
            answer(
                session, sequence, .malformed, .malformed, isOrdered: true,
                error: "the request holds no command")
        case .empty:
            guard allowed(session, .empty, .empty, request) else { return }
            unknown(session, sequence, .empty)
        case .unknown(let field, let place):
            guard let command = hostCommands(of: session).byRequestField[field] else {
                return unknown(session, sequence, .unknown)
            }
            perform(
                session, sequence, command, UnsafeRawBufferPointer(rebasing: payload[place]))
        case .fetch(let fetch):
            if allowed(session, .fetch, .fetch, request) { self.fetch(session, request, fetch) }
        case .listOffset(let list):
            if allowed(session, .listOffset, .listOffset, request) {
                listOffset(session, sequence, list)
            }
        case .metadata(let metadata):
            if allowed(session, .metadata, .metadata, request) {
                self.metadata(session, sequence, metadata)
            }
        case .subscribe(let subscribe):
            if allowed(session, .subscribe, .subscribe, request) {
                for wanted in subscribe.subscriptions {
                    spent &+= Work.partition * max(1, wanted.partitions.count)
                }
                self.subscribe(session, sequence, subscribe)
            }
        case .unsubscribe(let command):
            if allowed(session, .subscribe, .unsubscribe, request) {
                unsubscribe(session, sequence, command)
            }
        case .grant(let command):
            if allowed(session, .subscribe, .grant, request) { grant(session, sequence, command) }
        case .pause(let command):
            if allowed(session, .subscribe, .pause, request) { pause(session, sequence, command) }
        case .produce(let produce):
            if allowed(session, .produce, .produce, request) {
                self.produce(session, request, produce, payload)
            }
        }
    }

    private func unknown(_ session: Session, _ sequence: Int64, _ kind: CommandKind) {
        answer(
            session, sequence, kind, .unknownCommand, isOrdered: true,
            error: ReplyText.unknownCommand)
    }

    /// Whether route and session allow a command; refuses it if not.
    private func allowed(
        _ session: Session, _ command: CommandSet, _ kind: CommandKind, _ request: PubSubRequest
    ) -> Bool {
        guard let access = session.access, !access.commands.contains(command) else { return true }
        answer(
            session, request.sequence, kind, .notAllowed, isOrdered: !request.usesExtensions,
            error: "the command \(kind.name) is not allowed here")
        return false
    }
}
