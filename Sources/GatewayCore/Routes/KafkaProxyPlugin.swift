import KafkaCore
import SASL

/// The `kafka-proxy` plugin in both shapes of its documents: `sasl{...}`, and the flat
/// `enable_tls, ssl_verify, enable_sasl, sasl_username, sasl_password`, which count where the
/// nested ones and the upstream's `tls` are silent.
struct KafkaProxyPlugin: Equatable, Sendable {
    var sasl: SASLCredentials?
    var enableTLS: Bool?
    var sslVerify: Bool?

    static func parse(
        _ reader: inout ConfigurationReader, notes: inout [String]
    ) throws(ConfigurationError) -> KafkaProxyPlugin {
        var plugin = KafkaProxyPlugin()
        plugin.enableTLS = try reader.bool("enable_tls")
        plugin.sslVerify = try reader.bool("ssl_verify")
        plugin.sasl = try nested(&reader)
        let flat = try flat(&reader, notes: &notes)
        plugin.sasl = plugin.sasl ?? flat
        let isDisabled = try isDisabled(&reader)
        try reader.end()
        return isDisabled ? KafkaProxyPlugin() : plugin
    }

    private static func nested(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> SASLCredentials? {
        guard var sasl = try reader.reader("sasl") else { return nil }
        let mechanism = try mechanism(&sasl)
        guard let username = try sasl.string("username") else { throw sasl.missing("username") }
        guard let password = try sasl.string("password") else { throw sasl.missing("password") }
        try sasl.end()
        return try checked(
            SASLCredentials(mechanism: mechanism, username: username, password: password),
            sasl, "username", "password")
    }

    private static func mechanism(
        _ sasl: inout ConfigurationReader
    ) throws(ConfigurationError) -> SASLMechanism {
        guard let name = try sasl.string("mechanism") else { return .plain }
        guard let mechanism = SASLMechanism(rawValue: name) else {
            let names = SASLMechanism.allCases.map(\.rawValue)
            throw sasl.fault(
                "mechanism",
                "expected one of \(names.joined(separator: ", ")), got \"\(name.prefix(80))\"")
        }
        return mechanism
    }

    private static func flat(
        _ reader: inout ConfigurationReader, notes: inout [String]
    ) throws(ConfigurationError) -> SASLCredentials? {
        let isEnabled = try reader.bool("enable_sasl")
        let username = try reader.string("sasl_username")
        let password = try reader.string("sasl_password")
        guard isEnabled == true else {
            if username != nil && isEnabled == nil {
                notes.append(
                    "plugins.kafka-proxy.sasl_username: has no effect without enable_sasl")
            }
            return nil
        }
        guard let username else { throw reader.missing("sasl_username") }
        guard let password else { throw reader.missing("sasl_password") }
        return try checked(
            SASLCredentials(mechanism: .plain, username: username, password: password),
            reader, "sasl_username", "sasl_password")
    }

    /// RFC 4616 section 2: NUL separates the parts of a PLAIN message, and no part may be empty.
    private static func checked(
        _ credentials: SASLCredentials, _ reader: ConfigurationReader, _ username: String,
        _ password: String
    ) throws(ConfigurationError) -> SASLCredentials {
        guard !credentials.username.isEmpty, !credentials.username.utf8.contains(0) else {
            throw reader.fault(username, "must not be empty or hold NUL")
        }
        guard !credentials.password.isEmpty, !credentials.password.utf8.contains(0) else {
            throw reader.fault(password, "must not be empty or hold NUL")
        }
        return credentials
    }

    /// `_meta{disable}`, which every plugin of the original has.
    private static func isDisabled(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> Bool {
        guard var meta = try reader.reader("_meta") else { return false }
        let isDisabled = try meta.bool("disable") ?? false
        for key in ["priority", "filter", "error_response"] { _ = meta.has(key) }
        try meta.end()
        return isDisabled
    }
}
