import SASL
import TestSupport
import Testing

/// Client and server against each other.
@Suite struct SASLExchangeTests {
    /// The whole exchange; the name that the server found.
    private func login(
        _ credentials: SASLCredentials, to users: SASLUsers
    ) throws(SASLError) -> String? {
        var client = Login(credentials, host: "h", .secure)
        var server = SASLServer(credentials.mechanism, users: users, .secure)
        var message = try client.start()
        for _ in 0..<4 {
            switch try server.receive(message) {
            case .done(let username, let last):
                #expect(try client.receive(last) == .finished)
                return username
            case .challenge(let challenge):
                guard case .work(.derive(let work)) = try client.receive(challenge) else {
                    return nil
                }
                message = try client.worked(work)
            }
        }
        return nil
    }

    private static let names = ["user", "a,b=c", "=2C", "zoë", "名前 with space"]

    @Test("every mechanism, every kind of name", arguments: SASLMechanism.ofPasswords, names)
    func accepted(_ mechanism: SASLMechanism, _ name: String) throws {
        var users = SASLUsers()
        users.add(name, password: "pässword, with=signs")
        let credentials = SASLCredentials(
            mechanism: mechanism, username: name, password: "pässword, with=signs")
        #expect(try login(credentials, to: users) == name)
    }

    @Test("a wrong password or name is refused", arguments: SASLMechanism.ofPasswords)
    func refused(_ mechanism: SASLMechanism) {
        var users = SASLUsers()
        users.add("user", password: "right")
        for (name, password) in [("user", "wrong"), ("user", ""), ("other", "right")] {
            let credentials = SASLCredentials(
                mechanism: mechanism, username: name, password: password)
            #expect(throws: SASLError.wrongCredentials) { try login(credentials, to: users) }
        }
    }

    @Test("users have only the mechanisms that they were given")
    func mechanisms() {
        var users = SASLUsers()
        users.add("user", password: "p", mechanisms: [.scramSHA512])
        #expect(users.mechanisms == [.scramSHA512])
        let plain = SASLCredentials(mechanism: .plain, username: "user", password: "p")
        #expect(throws: SASLError.wrongCredentials) { try login(plain, to: users) }
    }

    @Test("PLAIN is NUL, name, NUL, password")
    func plainForm() throws {
        var client = Login(
            SASLCredentials(mechanism: .plain, username: "user", password: "pwd"),
            host: "h", .secure)
        #expect(try client.start() == bytes("\0user\0pwd"))
        #expect(try client.receive([]) == .finished)
        #expect(throws: SASLError.unexpectedMessage) { try client.receive([]) }
    }

    @Test(
        "what cannot be sent is an error of its own",
        arguments: [("", "p"), ("a\0b", "p"), ("a", "p\0q")])
    func unsendable(_ name: String, _ password: String) {
        for mechanism in SASLMechanism.ofPasswords {
            var client = Login(
                SASLCredentials(mechanism: mechanism, username: name, password: password),
                host: "h", .secure)
            #expect(throws: SASLError.unsendableCredentials) { try client.start() }
        }
    }

    @Test("a delegation token logs in as its owner, and is no user; nor is a user a token")
    func delegationTokens() throws {
        var users = SASLUsers()
        users.add("ann", password: "secret")
        users.addDelegationToken("tokenID", hmac: "aGFzaA==", owner: "ann")
        for mechanism in [SASLMechanism.scramSHA256, .scramSHA512] {
            func token(_ name: String, _ password: String, _ isToken: Bool) -> SASLCredentials {
                .password(
                    PasswordCredentials(
                        mechanism: mechanism, username: name, password: .value(password),
                        isDelegationToken: isToken))
            }
            #expect(try login(token("tokenID", "aGFzaA==", true), to: users) == "ann")
            for wrong in [
                token("tokenID", "aGFzaA==", false), token("tokenID", "other", true),
                token("ann", "secret", true),
            ] { #expect(throws: SASLError.wrongCredentials) { try login(wrong, to: users) } }
        }
    }

    @Test("tokenauth=true stands behind the nonce, of which it is no part")
    func delegationTokenMessages() throws {
        var client = Login(
            .password(
                PasswordCredentials(
                    mechanism: .scramSHA256, username: "id", password: .value("hmac"),
                    isDelegationToken: true)),
            host: "h", NonceSource(fixed: bytes("abc")))
        #expect(try client.start() == bytes("n,,n=id,r=abc,tokenauth=true"))
        guard case .work(.derive(let work)) = try client.receive(bytes("r=abcX,s=c2FsdA==,i=4096"))
        else { return #expect(Bool(false)) }
        #expect(text(try client.worked(work)).starts(with: "c=biws,r=abcX,p="))
    }

    @Test("the server refuses malformed messages")
    func malformed() {
        var users = SASLUsers()
        users.add("user", password: "p")
        for message in ["", "n", "p=x,,n=user,r=a", "n,,r=a", "n,,n=us=er,r=a", "n,,n=user,r="] {
            var server = SASLServer(.scramSHA256, users: users, .secure)
            #expect(throws: SASLError.self) { try server.receive(bytes(message)) }
        }
        for message in ["", "user", "\0user", "x\0user\0p", "\0user\0p\0"] {
            var server = SASLServer(.plain, users: users, .secure)
            #expect(throws: SASLError.self) { try server.receive(bytes(message)) }
        }
    }

    @Test("printing credentials and derivations shows no password")
    func secrets() {
        let credentials = SASLCredentials(
            mechanism: .scramSHA256, username: "user", password: "hunter2")
        let derivation = ScramDerivation(
            mechanism: .scramSHA256, password: bytes("hunter2"), salt: [1], iterations: 4096)
        #expect(credentials.description == "SCRAM-SHA-256 user:***")
        #expect(!"\(credentials) \(derivation)".contains("hunter2"))
        #expect(!String(reflecting: credentials).contains("hunter2"))
    }
}
