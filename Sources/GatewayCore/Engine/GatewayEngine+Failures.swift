import KafkaCore
import PubSubProtocol

extension GatewayEngine {
    /// The error as the client gets it. The log gets what happened, with names and addresses.
    func fail(
        _ session: Session, _ command: PendingCommand, _ failure: KafkaFailure,
        _ text: (String) -> String
    ) {
        let fault = GatewayFault(failure)
        if failure.kind == .notAuthorized || fault != .notFound {
            log(
                level(of: failure, session), session,
                "\(command.kind.name) \(Self.quoted(command.topic)) \(command.partition):"
                    + " \(failure.cause)")
        }
        let isOriginal = session.format == .binary && command.kind.isOriginal
        let words = isOriginal ? failure.text : fault.words(failure)
        complete(session, command, fault, .error(Self.errorReply(failure, fault, text(words))))
    }

    /// A state of brokers is told when it begins, a mistake of the client's once; what comes again
    /// of both is for those who look at every request.
    private func level(of failure: KafkaFailure, _ session: Session) -> LogLevel {
        switch failure.kind {
        case .kafka: return firstMistake(of: session) ? .info : .debug
        // Names that clients choose, which must not take the room of what brokers are in.
        case .notAuthorized, .notFound:
            return refusals.isNews(failure.cause, now: now) ? .warning : .debug
        case .unavailable, .noLeader, .timedOut, .throttled, .tlsRefused, .loginRefused,
            .noCredentials, .corrupt, .limit:
            return complaints.isNews(failure.cause, now: now) ? .warning : .debug
        }
    }

    func firstMistake(of session: Session) -> Bool {
        defer { session.hasMistaken = true }
        return !session.hasMistaken
    }

    static func errorReply(
        _ failure: KafkaFailure, _ fault: GatewayFault, _ text: String
    ) -> ErrorReply {
        func known(_ offset: Int64) -> Int64? { offset < 0 ? nil : offset }
        return ErrorReply(
            fault.replyCode ?? .internalError, text, retriable: failure.isRetriable,
            logStartOffset: known(failure.position.logStartOffset),
            highWatermark: known(failure.position.highWatermark), cause: fault.cause,
            nextOffset: failure.nextOffset)
    }

    /// What a client gets for a topic that it may not see: what it gets for one that is not there.
    static let hidden = KafkaFailure(
        kind: .notFound, text: "not found topic", cause: "not allowed by the route or the session")

    /// Whether the session may name the topic. A refusal is told to the log and the metric only.
    func sees(_ session: Session, _ topic: String) -> Bool {
        guard session.access?.allows(topic: topic) != true else { return true }
        counts.refusedTopics &+= 1
        spent &+= Work.logLine
        let level: LogLevel = firstMistake(of: session) ? .info : .debug
        log(level, session, "the topic \(Self.quoted(topic)) is not allowed")
        return false
    }
}
