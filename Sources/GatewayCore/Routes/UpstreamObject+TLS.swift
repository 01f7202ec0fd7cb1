import KafkaCore

extension UpstreamObject {
    static func tls(
        _ reader: inout ConfigurationReader, _ check: TLSCheck, _ notes: inout [String]
    ) throws(ConfigurationError) -> TLS? {
        guard var object = try reader.reader("tls") else { return nil }
        try object.refuse(
            ["client_cert_id"],
            "there are no SSL objects here: give client_cert and client_key")
        var tls = TLS()
        tls.verify = try object.bool("verify")
        tls.caPEM = try pem("ca", &object)
        tls.clientCertificatePEM = try pem("client_cert", &object)
        tls.clientKeyPEM = try pem("client_key", &object)
        tls.files.ca = try file("ca_file", besides: tls.caPEM, "ca", &object)
        tls.files.clientCertificate = try file(
            "client_cert_file", besides: tls.clientCertificatePEM, "client_cert", &object)
        tls.files.clientKey = try file(
            "client_key_file", besides: tls.clientKeyPEM, "client_key", &object)
        tls.serverName = try serverName(&object)
        tls.versionMin = try versionMin(&object)
        tls.ciphers = try object.string("ciphers")
        try object.end()
        let hasCertificate = tls.clientCertificatePEM != nil || tls.files.clientCertificate != nil
        let hasKey = tls.clientKeyPEM != nil || tls.files.clientKey != nil
        guard hasCertificate == hasKey else {
            throw object.missing(hasKey ? "client_cert" : "client_key")
        }
        do throws(TLSFinding) {
            for finding in try check(tls.knownSettings) {
                notes.append("\(object.name(finding.key.rawValue)): \(finding.reason)")
            }
        } catch {
            throw object.fault(error.key.rawValue, error.reason)
        }
        return tls
    }

    private static func file(
        _ key: String, besides text: String?, _ textKey: String,
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> SecretFile? {
        guard let file = try reader.file(key) else { return nil }
        guard text == nil else { throw reader.fault(key, "give one of \(textKey) and \(key)") }
        return file
    }

    private static func pem(
        _ key: String, _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> String? {
        guard let text = try reader.string(key) else { return nil }
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"))
        guard lines.contains(where: { $0.starts(with: "-----BEGIN ".utf8) }) else {
            throw reader.fault(key, "expected PEM text (-----BEGIN ...)")
        }
        return text
    }

    private static func serverName(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> String? {
        guard let name = try reader.string("server_name") else { return nil }
        guard isHost(name) else {
            throw reader.fault("server_name", "not the name or address of a host")
        }
        return name
    }

    private static func versionMin(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> TLSSettings.Version {
        guard let text = try reader.string("min_version") else { return .tls12 }
        guard let version = TLSSettings.Version(rawValue: text) else {
            let known = TLSSettings.Version.allCases.map(\.rawValue).joined(separator: " or ")
            throw reader.fault("min_version", "expected \(known), got \"\(text.prefix(80))\"")
        }
        return version
    }
}
