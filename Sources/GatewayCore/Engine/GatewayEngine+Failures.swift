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
            let level: LogLevel = failure.kind == .kafka ? .info : .warning
            log(
                level, session,
                "\(command.kind.name) \(Self.quoted(command.topic)) \(command.partition):"
                    + " \(failure.cause)")
        }
        let isOriginal = session.format == .binary && command.kind.isOriginal
        let words = isOriginal ? failure.text : fault.words(failure)
        complete(session, command, fault, .error(Self.errorReply(failure, fault, text(words))))
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
        log(.info, session, "the topic \(Self.quoted(topic)) is not allowed")
        return false
    }
}
