/// The statuses of the C interface (`PUBSUBGW_E_*`). The numbers are fixed for ever; a test holds
/// them against the header.
public enum Status: Int32, CaseIterable, Sendable {
    case ok = 0
    case invalid = -1
    case noMemory = -2
    case gone = -3
    case forked = -4
    case system = -5
    case full = -6
    case state = -7
    case config = -8
    case noRoute = -9
    case timeout = -10
    case `protocol` = -11
    case tls = -12
    case auth = -13
    case unsupported = -14
    /// The base of Kafka's own errors: -1000 - n is error n.
    case kafka = -1000

    public var name: StaticString {
        switch self {
        case .ok: "PUBSUBGW_OK"
        case .invalid: "PUBSUBGW_E_INVALID"
        case .noMemory: "PUBSUBGW_E_NOMEM"
        case .gone: "PUBSUBGW_E_GONE"
        case .forked: "PUBSUBGW_E_FORKED"
        case .system: "PUBSUBGW_E_SYSTEM"
        case .full: "PUBSUBGW_E_FULL"
        case .state: "PUBSUBGW_E_STATE"
        case .config: "PUBSUBGW_E_CONFIG"
        case .noRoute: "PUBSUBGW_E_NO_ROUTE"
        case .timeout: "PUBSUBGW_E_TIMEOUT"
        case .protocol: "PUBSUBGW_E_PROTOCOL"
        case .tls: "PUBSUBGW_E_TLS"
        case .auth: "PUBSUBGW_E_AUTH"
        case .unsupported: "PUBSUBGW_E_UNSUPPORTED"
        case .kafka: "PUBSUBGW_E_KAFKA"
        }
    }

    public var explanation: StaticString {
        switch self {
        case .ok: "Success."
        case .invalid: "An argument is NULL, malformed, or not a handle of this library."
        case .noMemory: "Memory is exhausted."
        case .gone: "The handle or the session has ended."
        case .forked: "Called in a child of the process that started the gateway."
        case .system: "A system call failed."
        case .full: "A buffer or a limit does not allow it now."
        case .state: "The gateway is not in a state that allows it."
        case .config: "The configuration is wrong."
        case .noRoute: "No route has this id or matches this host and path."
        case .timeout: "It was not finished in the given time."
        case .protocol: "A peer broke a protocol."
        case .tls: "TLS to a broker failed."
        case .auth: "A broker refused the credentials."
        case .unsupported: "This version of the library cannot do that."
        case .kafka: "Kafka answered with an error."
        }
    }
}

extension Status {
    /// The number that stands for Kafka's error `code`. -1, the server's "unknown error", has none
    /// of its own.
    public static func number(ofKafka code: Int16) -> Int32 {
        kafka.rawValue - max(0, Int32(code))
    }

    /// Kafka's error that a number stands for; nil: it stands for none.
    public static func kafkaCode(_ number: Int32) -> Int16? {
        let (code, overflow) = kafka.rawValue.subtractingReportingOverflow(number)
        return overflow || code < 0 ? nil : Int16(exactly: code)
    }
}
