import KafkaCore
import WebSocketProtocol

/// Everything that can go wrong with a session or a command, and what each side is told: the
/// client by an `ErrorResp` or by the code of a Close frame, the C caller by a status. This file
/// is the one place where the three stand; a test pins every number.
public enum GatewayFault: Hashable, Sendable {
    // Of a command.
    case malformed
    case unknownCommand
    case notAllowed
    case limit
    /// A topic or a partition; a refused topic too, so that nobody can probe for names.
    case notFound
    /// No broker, no leader.
    case unavailable
    case timedOut
    /// Kafka refused the credentials or the TLS peer.
    case refusedByKafka
    case internalError
    /// The host's own command failed.
    case hostCommand
    /// Kafka's error of that number.
    case kafka(Int16)

    // Of a session.
    case normal
    case goingAway
    case protocolError
    case unsupportedData
    case invalidText
    case messageTooBig
    case restart
    case overLimit
    case credentialsExpired
    case idle
    case tooManyCommands
    case tooSlow

    /// `ErrorResp.code`; nil: it ends sessions, not commands.
    public var replyCode: Int32? {
        switch self {
        case .malformed: 1
        case .unknownCommand: 2
        case .notAllowed: 3
        case .limit: 4
        case .notFound: 5
        case .unavailable: 6
        case .timedOut: 7
        case .refusedByKafka: 8
        case .internalError: 9
        case .hostCommand: 10
        case .kafka(let code): 1000 + Int32(code)
        default: nil
        }
    }

    /// The code of the Close frame; nil: it ends commands, not sessions.
    public var closeCode: UInt16? {
        switch self {
        case .normal: 1000
        case .goingAway: 1001
        case .protocolError: 1002
        case .unsupportedData: 1003
        case .invalidText: 1007
        case .messageTooBig: 1009
        case .internalError: 1011
        case .restart: 1012
        case .overLimit: 1013
        case .credentialsExpired: 4401
        case .idle: 4408
        case .tooManyCommands: 4429
        case .tooSlow: 4430
        default: nil
        }
    }

    /// The C interface's status: `PUBSUBGW_E_...`.
    public var status: Int32 {
        switch self {
        case .normal: 0
        case .limit, .overLimit, .tooManyCommands, .tooSlow: -6
        case .goingAway, .restart: -3
        case .timedOut, .idle: -10
        case .malformed, .protocolError, .unsupportedData, .invalidText, .messageTooBig: -11
        case .refusedByKafka, .notAllowed, .credentialsExpired: -13
        case .unknownCommand, .hostCommand: -14
        case .unavailable, .internalError: -5
        case .notFound: -1003
        case .kafka(let code): -1000 - Int32(code)
        }
    }

    /// The label of metrics.
    public var name: String {
        switch self {
        case .malformed: "malformed"
        case .unknownCommand: "unknown_command"
        case .notAllowed: "not_allowed"
        case .limit: "limit"
        case .notFound: "not_found"
        case .unavailable: "unavailable"
        case .timedOut: "timed_out"
        case .refusedByKafka: "refused_by_kafka"
        case .internalError: "internal_error"
        case .hostCommand: "host_command"
        case .kafka: "kafka"
        case .normal: "normal"
        case .goingAway: "going_away"
        case .protocolError: "protocol_error"
        case .unsupportedData: "unsupported_data"
        case .invalidText: "invalid_text"
        case .messageTooBig: "message_too_big"
        case .restart: "restart"
        case .overLimit: "over_limit"
        case .credentialsExpired: "credentials_expired"
        case .idle: "idle"
        case .tooManyCommands: "too_many_commands"
        case .tooSlow: "too_slow"
        }
    }

    /// What a failure of the Kafka client means to a command. Its text may be the original's
    /// `not found topic` where the truth is a refused password: the code says the truth.
    init(_ failure: KafkaFailure) {
        switch failure.kind {
        case .notFound, .notAuthorized: self = .notFound
        case .unavailable: self = .unavailable
        case .timedOut: self = .timedOut
        case .refused: self = .refusedByKafka
        case .limit: self = .limit
        case .kafka, .corrupt: self = failure.code.map { .kafka($0) } ?? .internalError
        }
    }

    /// What a violation of the WebSocket protocol means to the session.
    init(_ error: WebSocketError) {
        switch error.closeCode {
        case .messageTooBig: self = .messageTooBig
        case .invalidPayload: self = .invalidText
        case .unsupportedData: self = .unsupportedData
        default: self = .protocolError
        }
    }
}
