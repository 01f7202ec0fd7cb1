import KafkaCore
import KafkaProducing
import PubSubProtocol
import Statuses
import WebSocketProtocol

/// Everything that can go wrong with a session or a command, and what each side is told: the
/// client by an `ErrorResp` (code and cause) or by the code of a Close frame, the C caller by a
/// status. This file is the one place where they stand; a test pins every number and word.
public enum GatewayFault: Hashable, Sendable {
    // Of a command.
    case malformed
    case unknownCommand
    case notAllowed
    case limit
    /// A topic or a partition; a refused topic too, so that nobody can probe for names.
    case notFound
    /// Nobody is there who could do it.
    case unavailable
    case noBroker
    case noLeader
    case timedOut
    /// The broker wants to be asked later, and the time is over.
    case throttled
    /// A record may have been stored: nobody has told.
    case outcomeUnknown
    /// One TLS peer refused the other.
    case tlsRefused
    /// Kafka refused the credentials, or there are none to show.
    case loginRefused
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
    /// No answer to a ping.
    case noPong
    case tooManyCommands
    case tooSlow

    /// `ErrorResp.code`; nil: it ends sessions, not commands.
    public var replyCode: ReplyCode? {
        switch self {
        case .malformed: .malformed
        case .unknownCommand: .unknownCommand
        case .notAllowed: .notAllowed
        case .limit: .limit
        case .notFound: .notFound
        case .unavailable, .noBroker, .noLeader: .unavailable
        case .timedOut, .throttled, .outcomeUnknown: .timedOut
        case .tlsRefused, .loginRefused: .refusedByKafka
        case .internalError: .internalError
        case .hostCommand: .hostCommand
        case .kafka(let code): .kafka(code)
        default: nil
        }
    }

    /// `ErrorResp.cause`; nil: the code says it all.
    public var cause: ReplyCause? {
        switch self {
        case .notFound: .notFound
        case .noBroker: .noBroker
        case .noLeader: .noLeader
        case .timedOut: .timedOut
        case .throttled: .throttled
        case .outcomeUnknown: .outcomeUnknown
        case .tlsRefused: .tlsRefused
        case .loginRefused: .loginRefused
        default: nil
        }
    }

    /// The `err` in the text of an `ErrorResp` about `failure`. Not so in the binary replies to the
    /// original's commands: there it is the original's, `failure.text`, which clients compare.
    func words(_ failure: KafkaFailure) -> String {
        // Of what is missing, the text says what: the topic or the partition.
        self == .notFound ? failure.text : cause?.rawValue ?? failure.text
    }

    /// The code of the Close frame; nil: it ends commands, not sessions.
    public var closeCode: CloseCode? {
        switch self {
        case .normal: .normal
        case .goingAway: .goingAway
        case .protocolError: .protocolError
        case .unsupportedData: .unsupportedData
        case .invalidText: .invalidPayload
        case .messageTooBig: .messageTooBig
        case .internalError: .internalError
        case .restart: .serviceRestart
        case .overLimit: .tryAgainLater
        // RFC 6455 section 7.4.2 leaves 4000 to 4999 to private use; ours resemble HTTP's. Of
        // 4431 to 4499 a client that does not know the code comes again from 4450 on.
        case .credentialsExpired: CloseCode(rawValue: 4401)
        case .idle: CloseCode(rawValue: 4408)
        case .tooManyCommands: CloseCode(rawValue: 4429)
        case .tooSlow: CloseCode(rawValue: 4430)
        case .noPong: CloseCode(rawValue: 4450)
        default: nil
        }
    }

    /// The C interface's status, `PUBSUBGW_E_...`, or the number of an error of Kafka's.
    public var status: Int32 {
        switch self {
        case .notFound: Status.number(ofKafka: Self.unknownTopicOrPartition)
        case .kafka(let code): Status.number(ofKafka: code)
        default: ownStatus.rawValue
        }
    }

    /// Likewise for the host's own client, which is trusted: Kafka's own number wherever there is
    /// one.
    static func directStatus(_ failure: KafkaFailure) -> Int32 {
        switch failure.kind {
        case .notFound, .notAuthorized, .kafka, .corrupt:
            failure.code.map(Status.number(ofKafka:)) ?? GatewayFault(failure).status
        case .unavailable, .noLeader, .timedOut, .throttled, .tlsRefused, .loginRefused,
            .noCredentials, .limit:
            GatewayFault(failure).status
        }
    }

    private static let unknownTopicOrPartition: Int16 = 3

    private var ownStatus: Status {
        switch self {
        case .normal: .ok
        case .limit, .overLimit, .tooManyCommands, .tooSlow: .full
        case .goingAway, .restart: .gone
        case .timedOut, .throttled, .outcomeUnknown, .idle, .noPong: .timeout
        case .malformed, .protocolError, .unsupportedData, .invalidText, .messageTooBig: .protocol
        case .tlsRefused: .tls
        case .loginRefused, .notAllowed, .credentialsExpired: .auth
        case .unknownCommand, .hostCommand: .unsupported
        case .unavailable, .noBroker, .noLeader, .internalError: .system
        case .notFound, .kafka: .kafka
        }
    }

    /// What a failure of the Kafka client means to a command. Its text may be the original's
    /// `not found topic` where the truth is a refused password: code and cause say the truth.
    init(_ failure: KafkaFailure) {
        switch failure.kind {
        case .notFound, .notAuthorized: self = .notFound
        case .unavailable: self = .noBroker
        case .noLeader: self = .noLeader
        case .timedOut: self = .timedOut
        case .throttled: self = .throttled
        case .tlsRefused: self = .tlsRefused
        // The difference is for those who run the gateway: the log has it.
        case .loginRefused, .noCredentials: self = .loginRefused
        case .limit: self = .limit
        case .kafka, .corrupt: self = failure.code.map { .kafka($0) } ?? .internalError
        }
    }

    /// What became of a record that a client has produced. A topic that it may not produce to is
    /// not there for it.
    init(_ trouble: ProduceTrouble) {
        switch trouble {
        case .hidden: self = .notFound
        case .partitionChosen, .timestampBrought, .headerForged: self = .notAllowed
        case .tooLarge, .tooManyTopics: self = .limit
        case .failed(let failure): self.init(failure)
        }
    }

    private init(_ failure: ProduceFailure) {
        guard !failure.mayBeStored else {
            self = .outcomeUnknown
            return
        }
        switch failure.reason {
        case .tooLarge: self = .limit
        case .notFound, .notAuthorized: self = .notFound
        case .timedOut: self = .timedOut
        case .unavailable: self = .noBroker
        case .closed: self = .unavailable
        case .invalid: self = failure.code.map { .kafka($0) } ?? .malformed
        case .fenced, .aborted, .kafka, .codecMissing:
            self = failure.code.map { .kafka($0) } ?? .internalError
        }
    }

    /// The text of its `ErrorResp`.
    func words(_ trouble: ProduceTrouble) -> String {
        switch trouble {
        case .hidden: return Self.unknownTopic
        case .partitionChosen: return "the route does not let a record name its partition"
        case .timestampBrought: return "the route does not let a record bring its timestamp"
        case .headerForged: return "the record has a header that only the gateway may add"
        case .tooLarge(let most): return "limits.record_bytes: at most \(most)"
        case .tooManyTopics(let most): return "more than \(most) topics in one command"
        case .failed(let failure):
            switch self {
            case .outcomeUnknown: return "nobody knows whether it is stored: \(failure.text)"
            // What is refused looks like what is missing.
            case .notFound: return Self.unknownTopic
            default: return failure.text
            }
        }
    }

    private static let unknownTopic = "not found topic or partition"

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
