import KafkaCore
import SASL

/// The `sasl` object of the `kafka-proxy` plugin.
enum LoginObject {
    static func parse(
        _ sasl: inout ConfigurationReader
    ) throws(ConfigurationError) -> SASLCredentials {
        let mechanism = try mechanism(&sasl)
        let credentials: SASLCredentials
        switch mechanism {
        case .plain, .scramSHA256, .scramSHA512:
            credentials = .password(try password(mechanism, &sasl))
        case .oauthBearer: credentials = .bearer(try bearer(&sasl))
        case .gssapi: credentials = .kerberos(service: try service(&sasl))
        }
        try refuseOthers(mechanism, &sasl)
        try sasl.end()
        return credentials
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

    // MARK: PLAIN, SCRAM

    private static func password(
        _ mechanism: SASLMechanism, _ sasl: inout ConfigurationReader
    ) throws(ConfigurationError) -> PasswordCredentials {
        guard let username = try sasl.string("username") else { throw sasl.missing("username") }
        guard let password = try secret("password", &sasl) else { throw sasl.missing("password") }
        try checkPart(username, "username", sasl)
        if case .value(let text) = password { try checkPart(text, "password", sasl) }
        var isToken = false
        if mechanism != .plain { isToken = try sasl.bool("tokenauth") ?? false }
        return PasswordCredentials(
            mechanism: mechanism, username: username, password: password,
            isDelegationToken: isToken)
    }

    /// RFC 4616 section 2: NUL separates the parts of a PLAIN message, and no part may be empty.
    static func checkPart(
        _ text: String, _ key: String, _ reader: ConfigurationReader
    ) throws(ConfigurationError) {
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw reader.fault(key, "must not be empty or hold NUL")
        }
    }

    // MARK: OAUTHBEARER

    private static func bearer(
        _ sasl: inout ConfigurationReader
    ) throws(ConfigurationError) -> BearerCredentials {
        let token = try token(&sasl)
        let identity = try sasl.string("authzid")
        if let identity { try checkPart(identity, "authzid", sasl) }
        return BearerCredentials(
            token: token, authorizationID: identity, extensions: try extensions(&sasl))
    }

    private static func token(
        _ sasl: inout ConfigurationReader
    ) throws(ConfigurationError) -> BearerSource {
        let secret = try secret("token", &sasl)
        let name = try sasl.string("host_token")
        if let name {
            guard secret == nil else {
                throw sasl.fault("host_token", "give one of token, token_file, host_token")
            }
            guard RouteTable.isIdentifier(name) else {
                throw sasl.fault("host_token", RouteTable.identifierRule)
            }
            return .host(name)
        }
        guard let secret else {
            throw sasl.fault(nil, "OAUTHBEARER needs one of token, token_file, host_token")
        }
        if case .value(let value) = secret, !BearerToken(value: value).isSendable {
            throw sasl.fault("token", "expected letters, digits, -._~+/ and = at its end")
        }
        return .secret(secret)
    }

    private static func extensions(
        _ sasl: inout ConfigurationReader
    ) throws(ConfigurationError) -> [BearerExtension] {
        guard let object = try sasl.reader("extensions") else { return [] }
        return try BearerExtension.parse(object)
    }

    // MARK: GSSAPI

    private static func service(
        _ sasl: inout ConfigurationReader
    ) throws(ConfigurationError) -> String {
        let name = try sasl.string("service_name") ?? "kafka"
        guard (1...64).contains(name.utf8.count),
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !"/@\\".utf8.contains($0) })
        else { throw sasl.fault("service_name", "expected the first part of a principal") }
        return name
    }

    // MARK: All

    /// What belongs to another mechanism is a mistake about who logs in.
    private static func refuseOthers(
        _ mechanism: SASLMechanism, _ sasl: inout ConfigurationReader
    ) throws(ConfigurationError) {
        let name = mechanism.rawValue
        let users = ["username", "password", "password_file"]
        let tokens = ["token", "token_file", "host_token", "authzid", "extensions"]
        if mechanism == .plain {
            try sasl.refuse(["tokenauth"], "delegation tokens need a SCRAM mechanism")
        }
        if mechanism == .oauthBearer {
            try sasl.refuse(users, "\(name) takes a token, and no user")
        } else {
            try sasl.refuse(tokens, "\(name) takes no token; OAUTHBEARER does")
        }
        if mechanism == .gssapi {
            try sasl.refuse(
                users, "\(name) takes who logs in from Kerberos: the credential cache or keytab")
        } else {
            try sasl.refuse(["service_name"], "\(name) has no service; GSSAPI has")
        }
        if mechanism == .oauthBearer || mechanism == .gssapi {
            try sasl.refuse(["tokenauth"], "delegation tokens need a SCRAM mechanism")
        }
    }

    /// `key`, or the file that `key_file` names.
    private static func secret(
        _ key: String, _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> Secret? {
        let value = try reader.string(key)
        guard let file = try reader.file(key + "_file") else { return value.map { .value($0) } }
        guard value == nil else {
            throw reader.fault(file.key, "give one of \(key) and \(file.key)")
        }
        return .file(file)
    }
}

extension BearerExtension {
    /// `{"name": "value"}`; nil: none.
    public static func parse(_ json: String?) throws(ConfigurationError) -> [BearerExtension] {
        guard var json else { return [] }
        let parsed = json.withUTF8 { utf8 in
            Result { () throws(ConfigurationError) in
                let (object, _) = try ConfigurationReader.document(UnsafeRawBufferPointer(utf8))
                return try parse(object)
            }
        }
        return try parsed.get()
    }

    fileprivate static func parse(
        _ object: ConfigurationReader
    ) throws(ConfigurationError) -> [BearerExtension] {
        var extensions: [BearerExtension] = []
        for (name, value) in try object.texts() {
            guard let one = BearerExtension(name: name, value: value) else {
                throw object.fault(
                    name, "expected a name of letters other than \"auth\", and printable ASCII")
            }
            extensions.append(one)
        }
        return extensions
    }
}

extension ConfigurationReader {
    /// A file that is read when it is needed, and may come to be after the configuration.
    mutating func file(_ key: String) throws(ConfigurationError) -> SecretFile? {
        guard let path = try string(key) else { return nil }
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw fault(key, "expected an absolute path")
        }
        return SecretFile(path: path, key: key)
    }
}
