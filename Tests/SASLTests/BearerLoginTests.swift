import SASL
import Testing

@Suite("OAUTHBEARER") struct BearerLoginTests {
    private func login(
        _ token: String = "tok", authzid: String? = nil, _ extensions: [(String, String)] = []
    ) -> Login {
        Login(
            .bearer(
                BearerCredentials(
                    token: .secret(.value(token)), authorizationID: authzid,
                    extensions: extensions.compactMap {
                        BearerExtension(name: $0.0, value: $0.1)
                    })),
            host: "h", .secure)
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("the first message is the one that Kafka's own client sends")
    func first() throws {
        var client = login("tok", [("traceId", "9")])
        let message = try client.take(.begin)
        guard case .send(let bytes) = message else { return #expect(Bool(false)) }
        #expect(
            hex(bytes) == "6e2c2c01617574683d42656172657220746f6b01747261636549643d390101")
        #expect(try client.take(.token([])) == .finished)
    }

    @Test("without extensions it ends in two separators, and an identity is escaped")
    func identity() throws {
        var bare = login("a.b-c_d~e+f/1==")
        #expect(
            try bare.take(.begin) == .send(bytes("n,,\u{1}auth=Bearer a.b-c_d~e+f/1==\u{1}\u{1}")))
        var named = login(authzid: "x=y,z")
        #expect(
            try named.take(.begin)
                == .send(bytes("n,a=x=3Dy=2Cz,\u{1}auth=Bearer tok\u{1}\u{1}")))
    }

    @Test("a refusal is answered by the byte 01, and its JSON is kept for whoever reads the error")
    func refused() throws {
        let json = #"{"status":"invalid_token","scope":"kafka"}"#
        var client = login()
        _ = try client.take(.begin)
        #expect(try client.take(.token(bytes(json))) == .send([1]))
        #expect(client.challenge == json)
        #expect(throws: SASLError.refused(json)) { try client.take(.token([])) }
        var long = login()
        _ = try long.take(.begin)
        _ = try long.take(.token([UInt8](repeating: 0x41, count: 100_000)))
        #expect(long.challenge?.utf8.count == 1024)
    }

    @Test(
        "a token that no broker would parse is not sent",
        arguments: ["", "a b", "a=b", "=", "a,b", "tök", "a\u{1}b", "a\n"])
    func unsendable(_ token: String) {
        var client = login(token)
        #expect(throws: SASLError.unsendableToken) { try client.take(.begin) }
    }

    @Test("extensions have names of letters, none of them auth, and printable values")
    func extensions() {
        for (name, value) in [
            ("", "x"), ("auth", "x"), ("a1", "x"), ("a", ""), ("a", "\u{1}"), ("a", "ü"),
        ] { #expect(BearerExtension(name: name, value: value) == nil) }
        #expect(BearerExtension(name: "logicalCluster", value: "lkc-1 \t\r\n~") != nil)
    }

    @Test("the host's token is asked for by its name; its extensions win over the route's")
    func host() throws {
        var client = Login(
            .bearer(
                BearerCredentials(
                    token: .host("idp"),
                    extensions: [("b", "route"), ("a", "route")].compactMap {
                        BearerExtension(name: $0.0, value: $0.1)
                    })), host: "h", .secure)
        #expect(try client.take(.begin) == .work(.token("idp")))
        let token = BearerToken(
            value: "t0ken", extensions: [BearerExtension(name: "b", value: "host")!])
        #expect(
            try client.take(.worked(.token(token)))
                == .send(
                    bytes("n,,\u{1}auth=Bearer t0ken\u{1}a=route\u{1}b=host\u{1}\u{1}")))
        #expect(client.isToldBy("no such token: t0ken") && !client.isToldBy("no such token"))
        #expect(!"\(token) \(String(reflecting: token))".contains("t0ken"))
    }

    @Test("a token or password in a file is read when the login begins")
    func file() throws {
        let file = SecretFile(path: "/run/token", key: "token_file")
        let credentials = SASLCredentials.bearer(BearerCredentials(token: .secret(.file(file))))
        var client = Login(credentials, host: "h", .secure)
        #expect(try client.take(.begin) == .work(.read(file)))
        #expect(
            try client.take(.worked(.secret("abc")))
                == .send(bytes("n,,\u{1}auth=Bearer abc\u{1}\u{1}")))
        var plain = Login(
            .password(
                PasswordCredentials(mechanism: .plain, username: "u", password: .file(file))),
            host: "h", .secure)
        #expect(try plain.take(.begin) == .work(.read(file)))
        #expect(try plain.take(.worked(.secret("pw"))) == .send(bytes("\0u\0pw")))
        var unread = Login(credentials, host: "h", .secure)
        _ = try unread.take(.begin)
        #expect(throws: SASLError.unavailable("gone")) { try unread.take(.worked(.failed("gone"))) }
    }

    @Test("what is out of turn is refused")
    func order() throws {
        var client = login()
        #expect(throws: SASLError.unexpectedMessage) { try client.take(.token([])) }
        _ = try client.take(.begin)
        #expect(throws: SASLError.unexpectedMessage) { try client.take(.begin) }
        #expect(throws: SASLError.unexpectedMessage) { try client.take(.worked(.secret("x"))) }
    }
}
