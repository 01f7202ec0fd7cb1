/// `ErrorResp.cause`: what is wrong, where the text is the original's and the code covers several
/// things. A closed list that names no broker, topic or principal; it is only added to.
public enum ReplyCause: String, CaseIterable, Sendable {
    /// A topic or a partition that is missing, or refused: nobody can tell which.
    case notFound = "not found"
    case noBroker = "no broker reachable"
    case noLeader = "no leader"
    case tlsRefused = "TLS refused"
    case loginRefused = "login refused"
    case timedOut = "timed out"
    case throttled = "throttled"
    /// Of a produced record: it may be in Kafka's log, or not.
    case outcomeUnknown = "outcome unknown"
}
