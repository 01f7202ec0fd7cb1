/// Why a configuration was refused: what is wrong, at which key, and where in the text.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Dotted path of the key: `plugins.kafka-proxy.sasl.password`; empty: the whole text.
    public var key: String
    /// Both count from 1; 0: the fault is not in the text (an unknown upstream, say).
    public var line: Int
    public var column: Int
    /// Never holds a secret's value.
    public var reason: String

    public init(key: String, line: Int, column: Int, reason: String) {
        self.key = key
        self.line = line
        self.column = column
        self.reason = reason
    }

    /// `line 3, column 14: pubsub.limits.sesions: unknown key`.
    public var description: String {
        let place = line > 0 ? "line \(line), column \(column): " : ""
        return place + (key.isEmpty ? reason : "\(key): \(reason)")
    }
}
