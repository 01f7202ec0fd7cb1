import KafkaProtocol
import SASL
import Testing
import Timing

@testable import KafkaCore

/// What is said on a connection before its first request, as a transcript of the machine alone.
@Suite struct ConnectionSetUpTests {
    private static let now = Instant.zero.adding(milliseconds: 1_000)
    private static let ann = SASLCredentials(
        mechanism: .plain, username: "ann", password: "secret-word")

    private final class Machine {
        var setUp: ConnectionSetUp
        var random = SeededRandom(seed: 1)

        init(_ credentials: SASLCredentials? = nil, nonce: String = "NONCE") {
            setUp = ConnectionSetUp(
                endpoint: Endpoint(host: "b", port: 9092), credentials: credentials,
                nonces: NonceSource(fixed: Array(nonce.utf8)), limits: KafkaLimits())
        }

        func take(
            _ event: ConnectionSetUp.Event, now: Instant = ConnectionSetUpTests.now
        ) throws -> ConnectionSetUp.Step {
            try setUp.take(event, now: now, &random)
        }

        /// The versions are told; what comes of it.
        func versions(_ keys: [(Int16, Int16, Int16)]) throws -> ConnectionSetUp.Step {
            _ = try take(.opened(usesOldest: false))
            let keys = keys.map {
                ApiVersionsResponse.Key(apiKey: $0.0, minVersion: $0.1, maxVersion: $0.2)
            }
            return try take(.versions(ApiVersionsResponse(apiKeys: keys)))
        }

        /// Up to the first token of the login.
        func begun() throws -> ConnectionSetUp.Step {
            _ = try versions([(17, 0, 1), (36, 0, 2)])
            return try take(.mechanisms(SaslHandshakeResponse(mechanisms: ["PLAIN"])))
        }

        func loggedIn(lifetime: Int64) throws -> Instant? {
            _ = try begun()
            let answer = SaslAuthenticateResponse(sessionLifetimeMilliseconds: lifetime)
            #expect(try take(.token(answer)) == .ready)
            return setUp.reauthenticateAt
        }
    }

    private func cause(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? KafkaFailure)?.cause
        }
    }

    private func version(_ step: ConnectionSetUp.Step) -> Int16? {
        if case .askVersions(_, let version) = step { version } else { nil }
    }

    // MARK: Versions

    @Test(
        "the newest version is asked for first, version 0 where newer ones were reset"
    )
    func first() throws {
        let newest = ApiVersionsRequest.versions.upperBound
        #expect(try version(Machine().take(.opened(usesOldest: false))) == newest)
        #expect(try version(Machine().take(.opened(usesOldest: true))) == 0)
    }

    @Test(
        "a refused version is followed by the one that was told, or by 0, and never by a higher one"
    )
    func fallback() throws {
        for (told, next) in [(3, 3), (nil, 0), (4, 0), (-1, 0), (9, 0)] as [(Int16?, Int16)] {
            let machine = Machine()
            _ = try machine.take(.opened(usesOldest: false))
            let step = try machine.take(.versionRefused(supported: told))
            #expect(version(step) == next, "\(String(describing: told))")
        }
        let stubborn = Machine()
        _ = try stubborn.take(.opened(usesOldest: true))
        let text = cause { _ = try stubborn.take(.versionRefused(supported: 0)) }
        #expect(text == "UNSUPPORTED_VERSION: b:9092: no common version of ApiVersions")
    }

    @Test("without a login the versions are all that is needed")
    func noLogin() throws {
        let machine = Machine()
        #expect(try machine.versions([(1, 4, 12)]) == .ready)
        #expect(machine.setUp.state == .ready && machine.setUp.hasSucceeded)
        #expect(machine.setUp.versions.version(of: FetchRequest.self) == 12)
        #expect(machine.setUp.reauthenticateAt == nil)
    }

    @Test("ApiVersions that is refused for another reason ends the connection")
    func refusedVersions() throws {
        let machine = Machine()
        _ = try machine.take(.opened(usesOldest: false))
        let response = ApiVersionsResponse(errorCode: 58)
        let text = cause { _ = try machine.take(.versions(response)) }
        #expect(text == "SASL_AUTHENTICATION_FAILED: b:9092: ApiVersions")
        #expect(!machine.setUp.hasSucceeded)
    }

    // MARK: Login

    @Test("a login: mechanism, token, ready")
    func plain() throws {
        let machine = Machine(Self.ann)
        let offer = try machine.versions([(17, 0, 1), (36, 0, 2)])
        #expect(offer == .offerMechanism(SaslHandshakeRequest(mechanism: "PLAIN"), version: 1))
        let token = try machine.take(.mechanisms(SaslHandshakeResponse(mechanisms: ["PLAIN"])))
        let bytes = Array("\0ann\0secret-word".utf8)
        #expect(token == .sendToken(SaslAuthenticateRequest(authBytes: bytes), version: 2))
        #expect(!machine.setUp.hasSucceeded)
        #expect(try machine.take(.token(SaslAuthenticateResponse())) == .ready)
        #expect(machine.setUp.hasSucceeded && machine.setUp.reauthenticateAt == nil)
    }

    @Test("SCRAM computes away from the loop, and goes on with what came of it")
    func scram() throws {
        let ann = SASLCredentials(
            mechanism: .scramSHA256, username: "ann", password: "secret-word")
        let machine = Machine(ann)
        _ = try machine.begun()
        let challenge = Array("r=NONCEx,s=c2FsdA==,i=4096".utf8)
        let step = try machine.take(.token(SaslAuthenticateResponse(authBytes: challenge)))
        guard case .work(.derive(let work)) = step else { throw MissingRecords() }
        #expect(machine.setUp.state == .works)
        guard case .sendToken = try machine.take(.worked(.key(work.saltedPassword()))) else {
            throw MissingRecords()
        }
        #expect(machine.setUp.state == .authenticates)
    }

    @Test("a refused token: the byte 01, then the error with the broker's words and its JSON")
    func refusedToken() throws {
        let machine = Machine(
            .bearer(BearerCredentials(token: .secret(.value("tok-secret")))))
        _ = try machine.begun()
        let json = Array(#"{"status":"invalid_token"}"#.utf8)
        let step = try machine.take(.token(SaslAuthenticateResponse(authBytes: json)))
        #expect(step == .sendToken(SaslAuthenticateRequest(authBytes: [1]), version: 2))
        for (message, told) in [
            ("bad", #": bad: {"status":"invalid_token"}"#),
            (
                "no tok-secret",
                ": (the broker's text is left out: it repeats what it was sent)"
                    + #": {"status":"invalid_token"}"#
            ),
        ] {
            let response = SaslAuthenticateResponse(errorCode: 58, errorMessage: message)
            let text = cause { _ = try machine.take(.token(response)) }
            #expect(text == "b:9092: SASL_AUTHENTICATION_FAILED" + told)
        }
    }

    @Test("what the login needs and cannot be had is no refusal of the broker's")
    func unavailable() throws {
        let machine = Machine(.bearer(BearerCredentials(token: .host("idp"))))
        #expect(try machine.begun() == .work(.token("idp")))
        do {
            _ = try machine.take(.worked(.failed("token \"idp\": no answer")))
            Issue.record("it goes on")
        } catch let failure as KafkaFailure {
            #expect(failure.kind == .noCredentials && failure.isRetriable && !failure.isRefusal)
            #expect(failure.cause == "b:9092: token \"idp\": no answer")
        }
    }

    @Test("bare tokens, without SaslAuthenticate's frame, are not spoken")
    func oldHandshake() throws {
        let text = cause { _ = try Machine(Self.ann).versions([(17, 0, 0), (36, 0, 2)]) }
        #expect(text == "b:9092: no common version of SaslHandshake")
    }

    @Test("a mechanism that is not there: what is, is told")
    func otherMechanism() throws {
        for (mechanisms, hint) in [
            (["GSSAPI", "OTHER"], "it offers GSSAPI, OTHER"),
            ([], "does the listener expect no login?"),
        ] {
            let machine = Machine(Self.ann)
            _ = try machine.versions([(17, 0, 1), (36, 0, 2)])
            let response = SaslHandshakeResponse(errorCode: 33, mechanisms: mechanisms)
            let text = cause { _ = try machine.take(.mechanisms(response)) }
            #expect(text == "b:9092: UNSUPPORTED_SASL_MECHANISM: \(hint)")
        }
    }

    @Test("a refusal is told in the broker's words, unless they repeat the password")
    func refusal() throws {
        for (message, told) in [
            ("no such user", "no such user"),
            (
                "bad token secret-word",
                "(the broker's text is left out: it repeats what it was sent)"
            ),
        ] {
            let machine = Machine(Self.ann)
            _ = try machine.begun()
            let response = SaslAuthenticateResponse(errorCode: 58, errorMessage: message)
            let text = cause { _ = try machine.take(.token(response)) }
            #expect(text == "b:9092: SASL_AUTHENTICATION_FAILED: \(told)")
        }
    }

    // MARK: Its end

    @Test(
        "a login is renewed when 85 to 95 % of its lifetime are over, and in time for a long poll")
    func lifetime() throws {
        let at = try #require(try Machine(Self.ann).loggedIn(lifetime: 100_000))
        #expect((85_000...95_000).contains(at.milliseconds(since: Self.now)))
        let short = try #require(try Machine(Self.ann).loggedIn(lifetime: 1))
        #expect(short.milliseconds(since: Self.now) == 1_000)
        let endless = try #require(try Machine(Self.ann).loggedIn(lifetime: .max))
        #expect(endless.milliseconds(since: Self.now) <= 365 * 24 * 3_600_000)
        #expect(try Machine(Self.ann).loggedIn(lifetime: 0) == nil)
    }

    @Test("a further login begins with the mechanism, and nothing is asked meanwhile")
    func again() throws {
        let machine = Machine(Self.ann)
        _ = try machine.loggedIn(lifetime: 100_000)
        let offer = try machine.take(.reauthenticate)
        #expect(offer == .offerMechanism(SaslHandshakeRequest(mechanism: "PLAIN"), version: 1))
        #expect(machine.setUp.state == .offersMechanism && machine.setUp.hasSucceeded)
        #expect(machine.setUp.reauthenticateAt == nil)
        _ = try machine.take(.mechanisms(SaslHandshakeResponse(mechanisms: ["PLAIN"])))
        #expect(try machine.take(.token(SaslAuthenticateResponse())) == .ready)
    }

    @Test("what does not fit where the set-up stands ends the connection")
    func unasked() throws {
        let early = Machine(Self.ann)
        #expect(cause { _ = try early.take(.token(SaslAuthenticateResponse())) } != nil)
        let late = Machine()
        _ = try late.versions([])
        #expect(cause { _ = try late.take(.versions(ApiVersionsResponse())) } != nil)
        #expect(cause { _ = try late.take(.opened(usesOldest: false)) } != nil)
    }
}
