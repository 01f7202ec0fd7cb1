import Bytes
import KafkaProtocol
import SASL
import Timing

/// What makes a connection one that carries requests, and keeps it one: the versions that the
/// broker speaks, the login, and a further login before the session's lifetime ends (KIP-368). It
/// is driven as `(event, now, random) -> step`; bytes, time limits and threads are its owner's.
struct ConnectionSetUp {
    enum Event {
        /// TCP and TLS are up. `usesOldest`: the server resets connections that ask for versions
        /// by a version which it does not know.
        case opened(usesOldest: Bool)
        case versions(ApiVersionsResponse)
        /// The version of ApiVersions was refused; `supported` is what would do, if that was told.
        case versionRefused(supported: Int16?)
        case mechanisms(SaslHandshakeResponse)
        case token(SaslAuthenticateResponse)
        case worked(LoginWork.Result)
        /// The time for a further login has come, and nothing is in flight.
        case reauthenticate
    }

    enum Step: Equatable {
        case askVersions(ApiVersionsRequest, version: Int16)
        case offerMechanism(SaslHandshakeRequest, version: Int16)
        case sendToken(SaslAuthenticateRequest, version: Int16)
        /// The answer is the event `worked`.
        case work(LoginWork)
        /// Requests may be sent (again).
        case ready
    }

    enum State: Equatable {
        /// TCP and TLS, by the driver.
        case connecting
        case asksVersions(Int16)
        case offersMechanism
        case authenticates
        /// The driver performs a piece of work of the login.
        case works
        case ready
    }

    /// Name and version are registered with the broker for each connection (KIP-511).
    static let softwareName = "libpubsubgw"
    static let softwareVersion = "0.1.0"

    private let endpoint: Endpoint
    private let credentials: SASLCredentials?
    private let nonces: NonceSource
    private let limits: KafkaLimits
    private let release: KafkaRelease?
    private var login: Login?

    private(set) var state = State.connecting
    private(set) var versions = ApiVersionTable()
    /// It was ready once.
    private(set) var hasSucceeded = false
    /// KIP-368: the broker ends the session soon after.
    private(set) var reauthenticateAt: Instant?

    init(
        endpoint: Endpoint, credentials: SASLCredentials?, nonces: NonceSource,
        limits: KafkaLimits, release: KafkaRelease? = nil
    ) {
        self.endpoint = endpoint
        self.credentials = credentials
        self.nonces = nonces
        self.limits = limits
        self.release = release
    }

    mutating func take(
        _ event: Event, now: Instant, _ random: inout SeededRandom
    ) throws(KafkaFailure) -> Step {
        switch (event, state) {
        case (.opened(let usesOldest), .connecting):
            return askVersions(usesOldest ? 0 : ApiVersionsRequest.versions.upperBound)
        case (.versionRefused(let supported), .asksVersions(let version)):
            return try askOlderVersions(than: version, supported)
        case (.versions(let response), .asksVersions): return try learnVersions(response)
        case (.reauthenticate, .ready): return try logIn()
        case (.mechanisms(let response), .offersMechanism):
            return try beginLogin(response, now: now, &random)
        case (.token(let response), .authenticates):
            return try goOn(with: response, now: now, &random)
        case (.worked(let result), .works):
            return try goOn(with: .worked(result), now: now, &random)
        default: throw .connection(.closed, "closed", cause: "\(endpoint): \(Self.unasked)")
        }
    }

    static let unasked = "a response that nobody asked for"

    // MARK: Versions

    private mutating func askVersions(_ version: Int16) -> Step {
        state = .asksVersions(version)
        return .askVersions(
            ApiVersionsRequest(
                clientSoftwareName: Self.softwareName, clientSoftwareVersion: Self.softwareVersion),
            version: version)
    }

    /// KIP-511: the refusal of a version may list what would do. Brokers before 2.4 list nothing,
    /// and librdkafka's mock broker sends a body of no form at all: version 0 is then the answer.
    /// Each step goes down, whatever the broker says.
    private mutating func askOlderVersions(
        than version: Int16, _ supported: Int16?
    ) throws(KafkaFailure) -> Step {
        guard version > 0 else {
            let code = KafkaError.unsupportedVersion.rawValue
            throw .kafka(code, cause: noCommonVersion("ApiVersions"))
        }
        let isLower = supported.map((0..<version).contains) ?? false
        return askVersions(isLower ? supported ?? 0 : 0)
    }

    private mutating func learnVersions(
        _ response: ApiVersionsResponse
    ) throws(KafkaFailure) -> Step {
        guard response.errorCode == 0 else {
            throw .kafka(response.errorCode, cause: "\(endpoint): ApiVersions")
        }
        versions = ApiVersionTable(response, atMost: release)
        return try logIn()
    }

    private func noCommonVersion(_ api: String) -> String {
        "\(endpoint): no common version of \(api)"
    }

    // MARK: Login

    /// Begins a login, the first or a further one, or is ready where there is none.
    private mutating func logIn() throws(KafkaFailure) -> Step {
        guard let credentials else { return ready() }
        // Version 0 would carry bare tokens: brokers before 1.0.
        guard let version = versions.version(of: SaslHandshakeRequest.self), version >= 1 else {
            throw .login(cause: noCommonVersion("SaslHandshake"))
        }
        state = .offersMechanism
        reauthenticateAt = nil
        return .offerMechanism(
            SaslHandshakeRequest(mechanism: credentials.mechanism.rawValue), version: version)
    }

    private mutating func beginLogin(
        _ response: SaslHandshakeResponse, now: Instant, _ random: inout SeededRandom
    ) throws(KafkaFailure) -> Step {
        guard response.errorCode == 0, let credentials else {
            let names = response.mechanisms.prefix(16).joined(separator: ", ")
            let offered = OutsideText.cleaned(names)
            let hint =
                offered.isEmpty ? "does the listener expect no login?" : "it offers \(offered)"
            let name = KafkaError(response.errorCode).name
            throw .login(cause: "\(endpoint): \(name): \(hint)")
        }
        login = Login(credentials, host: endpoint.host, nonces)
        return try goOn(with: .begin, now: now, &random)
    }

    private mutating func goOn(
        with response: SaslAuthenticateResponse, now: Instant, _ random: inout SeededRandom
    ) throws(KafkaFailure) -> Step {
        guard response.errorCode == 0 else {
            let name = KafkaError(response.errorCode).name
            let texts = [response.errorMessage, login?.challenge].compactMap { $0 }
            let words = ([name] + texts.map(told)).joined(separator: ": ")
            throw .login(cause: "\(endpoint): \(words)")
        }
        return try goOn(
            with: .token(response.authBytes), lifetime: response.sessionLifetimeMilliseconds,
            now: now, &random)
    }

    /// `lifetime`: as the broker's last answer has told it, in milliseconds; 0: for ever.
    private mutating func goOn(
        with event: Login.Event, lifetime: Int64 = 0, now: Instant, _ random: inout SeededRandom
    ) throws(KafkaFailure) -> Step {
        let step = try loginStep(event)
        if let step = perform(step) { return step }
        login = nil
        if lifetime > 0 { reauthenticateAt = end(of: lifetime, now, &random) }
        return ready()
    }

    private mutating func loginStep(_ event: Login.Event) throws(KafkaFailure) -> Login.Step {
        guard var machine = login else { preconditionFailure("a login goes on that never began") }
        defer { login = machine }
        do {
            return try machine.take(event)
        } catch .unavailable(let reason) {
            throw .noCredentials(cause: "\(endpoint): \(reason)")
        } catch {
            throw .login(cause: "\(endpoint): \(told(error.description))")
        }
    }

    /// nil: the login is finished.
    private mutating func perform(_ step: Login.Step) -> Step? {
        switch step {
        case .send(let token):
            state = .authenticates
            let version = versions.version(of: SaslAuthenticateRequest.self) ?? 0
            return .sendToken(SaslAuthenticateRequest(authBytes: token), version: version)
        case .work(let work):
            state = .works
            return .work(work)
        case .finished: return nil
        }
    }

    private mutating func ready() -> Step {
        state = .ready
        hasSucceeded = true
        return .ready
    }

    /// 85 to 95 % of the lifetime, as Java's client; never beyond a year, so that no sum of a
    /// hostile number overflows.
    private func end(
        of lifetime: Int64, _ now: Instant, _ random: inout SeededRandom
    ) -> Instant {
        let clamped = min(lifetime, 365 * 24 * 3_600_000)
        let percent = Int64.random(in: 85...95, using: &random)
        // A long poll may be in flight then and has to come back first.
        let poll = 2 * Int64(limits.tailWaitMilliseconds)
        let latest = max(clamped / 2, clamped - poll)
        let wait = min(clamped * percent / 100, latest)
        return now.adding(milliseconds: max(wait, limits.reauthenticationMinMilliseconds))
    }

    /// What the broker says of a login, for the log. Brokers and their plug-ins word it as they
    /// like, and some put what they were sent into it.
    private func told(_ text: String) -> String {
        guard login?.isToldBy(text) != true else {
            return "(the broker's text is left out: it repeats what it was sent)"
        }
        return OutsideText.cleaned(text)
    }
}
