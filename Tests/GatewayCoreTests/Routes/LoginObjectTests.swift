import GatewayCore
import KafkaCore
import SASL
import Testing

/// The mechanisms of `plugins.kafka-proxy.sasl`, and the files of `upstream.tls`.
@Suite struct LoginObjectTests {
    private func route(_ sasl: String, tls: String = "") -> String {
        #"{"id":"r","uri":"/k","plugins":{"kafka-proxy":{"sasl":\#(sasl)}},"#
            + #""upstream":{"nodes":{"a:1":1},"type":"none","scheme":"kafka"\#(tls)}}"#
    }

    private func credentials(_ sasl: String) throws -> SASLCredentials? {
        try RouteTable.of(route(sasl)).route(id: "r")?.cluster?.sasl
    }

    @Test("a token, its file, or the host's by name")
    func bearer() throws {
        #expect(
            try credentials(#"{"mechanism":"OAUTHBEARER","token":"abc"}"#)
                == .bearer(BearerCredentials(token: .secret(.value("abc")))))
        #expect(
            try credentials(#"{"mechanism":"OAUTHBEARER","token_file":"/t"}"#)
                == .bearer(
                    BearerCredentials(
                        token: .secret(.file(SecretFile(path: "/t", key: "token_file"))))))
        let host = try credentials(
            #"{"mechanism":"OAUTHBEARER","host_token":"idp","authzid":"ann","#
                + #""extensions":{"traceId":"9","a":"b"}}"#)
        #expect(host?.hostToken == "idp")
        #expect(
            host
                == .bearer(
                    BearerCredentials(
                        token: .host("idp"), authorizationID: "ann",
                        extensions: [("a", "b"), ("traceId", "9")].compactMap {
                            BearerExtension(name: $0.0, value: $0.1)
                        })))
    }

    @Test("delegation tokens, password files, Kerberos")
    func others() throws {
        #expect(
            try credentials(
                #"{"mechanism":"SCRAM-SHA-256","username":"id","password_file":"/p","#
                    + #""tokenauth":true}"#)
                == .password(
                    PasswordCredentials(
                        mechanism: .scramSHA256, username: "id",
                        password: .file(SecretFile(path: "/p", key: "password_file")),
                        isDelegationToken: true)))
        #expect(try credentials(#"{"mechanism":"GSSAPI"}"#) == .kerberos(service: "kafka"))
        #expect(
            try credentials(#"{"mechanism":"GSSAPI","service_name":"k2"}"#)
                == .kerberos(service: "k2"))
    }

    private static let refusals: [(String, key: String, reason: String)] = [
        (
            #"{"mechanism":"OAUTHBEARER"}"#, "",
            "OAUTHBEARER needs one of token, token_file, host_token"
        ),
        (
            #"{"mechanism":"OAUTHBEARER","token":"a","host_token":"b"}"#, ".host_token",
            "give one of token, token_file, host_token"
        ),
        (
            #"{"mechanism":"OAUTHBEARER","token":"a","token_file":"/b"}"#, ".token_file",
            "give one of token and token_file"
        ),
        (
            #"{"mechanism":"OAUTHBEARER","token":"a b"}"#, ".token",
            "expected letters, digits, -._~+/ and = at its end"
        ),
        (#"{"mechanism":"OAUTHBEARER","token_file":"b"}"#, ".token_file", "absolute path"),
        (#"{"mechanism":"OAUTHBEARER","host_token":"a b"}"#, ".host_token", "1 to 64 of"),
        (#"{"mechanism":"OAUTHBEARER","token":"a","authzid":""}"#, ".authzid", "not be empty"),
        (
            #"{"mechanism":"OAUTHBEARER","token":"a","username":"u"}"#, ".username",
            "OAUTHBEARER takes a token, and no user"
        ),
        (
            #"{"mechanism":"OAUTHBEARER","token":"a","extensions":{"auth":"x"}}"#,
            ".extensions.auth", "a name of letters other than"
        ),
        (
            #"{"mechanism":"OAUTHBEARER","token":"a","extensions":{"x":1}}"#,
            ".extensions.x", "expected string, got number"
        ),
        (
            #"{"username":"u","password":"p","token":"t"}"#, ".token",
            "PLAIN takes no token; OAUTHBEARER does"
        ),
        (
            #"{"username":"u","password":"p","tokenauth":true}"#, ".tokenauth",
            "delegation tokens need a SCRAM mechanism"
        ),
        (
            #"{"username":"u","password":"p","password_file":"/x"}"#, ".password_file",
            "give one of password and password_file"
        ),
        (
            #"{"username":"u","password":"p","service_name":"k"}"#, ".service_name",
            "PLAIN has no service; GSSAPI has"
        ),
        (
            #"{"mechanism":"GSSAPI","username":"u"}"#, ".username",
            "GSSAPI takes who logs in from Kerberos"
        ),
        (#"{"mechanism":"GSSAPI","service_name":"a/b"}"#, ".service_name", "first part"),
    ]

    @Test("what a mechanism does not take is an error that names it", arguments: refusals)
    func refused(_ sasl: String, _ key: String, _ reason: String) throws {
        let fault = try #require(RouteTable.fault(route(sasl)))
        #expect(fault.key == "plugins.kafka-proxy.sasl" + key)
        #expect(fault.reason.contains(reason), "\(fault.reason)")
    }

    @Test("secrets are masked, files are shown")
    func masked() throws {
        let json = try RouteTable.of(route(#"{"mechanism":"OAUTHBEARER","token":"hunter2"}"#)).json
        #expect(!json.contains("hunter2") && json.contains(#""token":"***""#))
        let file = try RouteTable.of(
            route(#"{"mechanism":"OAUTHBEARER","token_file":"/run/t"}"#)
        ).json
        #expect(file.contains("/run/t"))
    }

    @Test("certificates and keys may lie in files, each in one place only")
    func tlsFiles() throws {
        let sasl = #"{"username":"u","password":"p"}"#
        let tls = try RouteTable.of(
            route(
                sasl,
                tls: #","tls":{"ca_file":"/ca","client_cert_file":"/c","client_key_file":"/k"}"#)
        ).route(id: "r")?.cluster?.tls
        #expect(tls?.files.ca?.path == "/ca" && tls?.files.clientKey?.path == "/k")
        let read = tls?.read { "text of \($0.path)" }
        #expect(read?.caPEM == "text of /ca" && read?.clientKeyPEM == "text of /k")
        #expect(read?.files.isEmpty == true)
        for (text, key, reason) in [
            (#"{"client_cert_file":"/c"}"#, "", #"property "client_key" is required"#),
            (#"{"client_key_file":"/c"}"#, "", #"property "client_cert" is required"#),
            (#"{"ca_file":"ca"}"#, ".ca_file", "expected an absolute path"),
            (
                #"{"ca":"-----BEGIN X","ca_file":"/ca"}"#, ".ca_file",
                "give one of ca and ca_file"
            ),
        ] {
            let fault = try #require(RouteTable.fault(route(sasl, tls: ",\"tls\":\(text)")))
            #expect(fault.key == "upstream.tls" + key)
            #expect(fault.reason.contains(reason), "\(fault.reason)")
        }
    }
}
