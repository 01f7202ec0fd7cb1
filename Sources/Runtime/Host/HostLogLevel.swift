import KafkaCore

/// `PUBSUBGW_LOG_*`: each level with all those before it.
public enum HostLogLevel: Int32, Comparable, Sendable {
    case off = 0
    case error = 1
    case warning = 2
    case info = 3
    case debug = 4

    public static func < (left: HostLogLevel, right: HostLogLevel) -> Bool {
        left.rawValue < right.rawValue
    }

    var name: String {
        switch self {
        case .off: "off"
        case .error: "error"
        case .warning: "warn"
        case .info: "info"
        case .debug: "debug"
        }
    }
}

extension HostLogLevel {
    init(_ level: KafkaCore.LogLevel) {
        switch level {
        case .debug: self = .debug
        case .info: self = .info
        case .warning: self = .warning
        case .error: self = .error
        }
    }
}
