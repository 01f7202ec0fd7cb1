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
        return try LoginObject.parse(&sasl)
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
        try LoginObject.checkPart(username, "sasl_username", reader)
        try LoginObject.checkPart(password, "sasl_password", reader)
        return SASLCredentials(mechanism: .plain, username: username, password: password)
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
