import Bytes
import KafkaProtocol
import SASL
import Timing

extension BrokerConnection {
    /// Name and version are registered with the broker for each connection (KIP-511).
    static let softwareName = "libpubsubgw"
    static let softwareVersion = "0.1.0"

    /// TCP and TLS are up.
    func begin(now: Instant, _ cluster: Cluster) {
        let usesOldest = cluster.quirks[broker.endpoint]?.usesOldestApiVersions ?? false
        askVersions(usesOldest ? 0 : ApiVersionsRequest.versions.upperBound, now: now, cluster)
    }

    private func askVersions(_ version: Int16, now: Instant, _ cluster: Cluster) {
        state = .asksVersions(version)
        let request = ApiVersionsRequest(
            clientSoftwareName: Self.softwareName, clientSoftwareVersion: Self.softwareVersion)
        sendSetUp(request, version: version, now: now, cluster)
    }

    private func sendSetUp<R: KafkaRequest>(
        _ request: R, version: Int16, now: Instant, _ cluster: Cluster
    ) {
        let limit = settings.connectTimeoutMilliseconds
        let left = isLoggedIn ? limit : min(limit, setupDeadline.milliseconds(since: now))
        send(
            request, version: version, for: nil, timeoutMilliseconds: left, now: now, cluster)
    }

    func setUp(
        _ reader: inout ByteReader, _ answered: Pipeline.Request, now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) -> Arrival {
        switch state {
        case .asksVersions(let version):
            return try takeVersions(&reader, version, answered, now: now, cluster)
        case .offersMechanism:
            let response = try decode(SaslHandshakeResponse.self, &reader, answered, cluster)
            try startLogin(response, now: now, cluster)
        case .authenticates:
            let response = try decode(SaslAuthenticateResponse.self, &reader, answered, cluster)
            return try continueLogin(response, now: now, cluster)
        case .connecting, .derives, .ready:
            throw protocolError("a response that nobody asked for")
        }
        return .nothing
    }

    // MARK: Versions

    private func takeVersions(
        _ reader: inout ByteReader, _ version: Int16, _ answered: Pipeline.Request, now: Instant,
        _ cluster: Cluster
    ) throws(KafkaFailure) -> Arrival {
        cluster.speaksAsWe = true
        cluster.quirks[broker.endpoint, default: EndpointQuirks()].noteAnswer()
        // Its code comes first in every version, and is believed whatever the rest may be.
        var peek = reader
        let refusal = KafkaError.unsupportedVersion.rawValue
        if let code = try? peek.int16(), code == refusal {
            cluster.counters.ended(ApiVersionsRequest.apiKey, .answered(code))
            guard version > 0 else { throw .kafka(code, cause: tooOld("ApiVersions")) }
            askVersions(fallback(reader, below: version), now: now, cluster)
            return .nothing
        }
        let response = try decode(ApiVersionsResponse.self, &reader, answered, cluster)
        guard response.errorCode == 0 else {
            throw .kafka(response.errorCode, cause: "\(broker.endpoint): ApiVersions")
        }
        versions = ApiVersionTable(response.apiKeys)
        cluster.throttle(self, response.throttleTimeMilliseconds, isOurs: version >= 2)
        return try logIn(now: now, cluster)
    }

    /// KIP-511: the refusal of a version has the body of version 0 and may list what would do.
    /// Brokers before 2.4 list nothing, and librdkafka's mock broker sends a body of no form at
    /// all: version 0 is then the answer. Each step goes down, whatever the broker says.
    private func fallback(_ reader: ByteReader, below version: Int16) -> Int16 {
        var reader = reader
        guard let response = try? ApiVersionsResponse.decode(&reader, version: 0),
            let listed = response.apiKeys.first(where: { $0.apiKey == ApiVersionsRequest.apiKey })
        else { return 0 }
        return (0..<version).contains(listed.maxVersion) ? listed.maxVersion : 0
    }

    private func tooOld(_ api: String) -> String {
        "\(broker.endpoint): no common version of \(api)"
    }

    // MARK: Login

    /// Begins a login, the first or a further one (KIP-368), or is ready where there is none.
    func logIn(now: Instant, _ cluster: Cluster) throws(KafkaFailure) -> Arrival {
        guard let credentials = settings.sasl else {
            state = .ready
            isLoggedIn = true
            return .ready
        }
        // Version 0 would carry bare tokens: brokers before 1.0.
        guard let version = versions.version(of: SaslHandshakeRequest.self), version >= 1 else {
            throw .login(cause: tooOld("SaslHandshake"))
        }
        state = .offersMechanism
        reauthenticateAt = nil
        let request = SaslHandshakeRequest(mechanism: credentials.mechanism.rawValue)
        sendSetUp(request, version: version, now: now, cluster)
        return .nothing
    }

    private func startLogin(
        _ response: SaslHandshakeResponse, now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) {
        guard response.errorCode == 0, let credentials = settings.sasl else {
            let names = response.mechanisms.prefix(16).joined(separator: ", ")
            let offered = OutsideText.cleaned(names)
            let hint =
                offered.isEmpty ? "does the listener expect no login?" : "it offers \(offered)"
            let name = KafkaError(response.errorCode).name
            throw .login(cause: "\(broker.endpoint): \(name): \(hint)")
        }
        login = Login(credentials, cluster.nonces)
        _ = try goOn(with: .begin, now: now, cluster)
    }

    /// What the login wants next. `lifetime`: as the broker's last answer has told it.
    private func goOn(
        with event: Login.Event, lifetime: Int64 = 0, now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) -> Arrival {
        guard var machine = login else { throw protocolError("a token outside of a login") }
        let step: Login.Step
        do {
            step = try machine.take(event)
        } catch {
            throw .login(cause: "\(broker.endpoint): \(told(error.description))")
        }
        login = machine
        switch step {
        case .send(let token): sendToken(token, now: now, cluster)
        case .work(.derive(let derivation)): return try derive(derivation, now: now, cluster)
        case .finished: return loggedIn(lifetime, now: now, cluster)
        }
        return .nothing
    }

    private func sendToken(_ token: [UInt8], now: Instant, _ cluster: Cluster) {
        state = .authenticates
        let version = versions.version(of: SaslAuthenticateRequest.self) ?? 0
        sendSetUp(SaslAuthenticateRequest(authBytes: token), version: version, now: now, cluster)
    }

    private func continueLogin(
        _ response: SaslAuthenticateResponse, now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) -> Arrival {
        guard response.errorCode == 0 else {
            let name = KafkaError(response.errorCode).name
            let text = response.errorMessage.map { ": \(told($0))" } ?? ""
            throw .login(cause: "\(broker.endpoint): \(name)\(text)")
        }
        return try goOn(
            with: .token(response.authBytes), lifetime: response.sessionLifetimeMilliseconds,
            now: now, cluster)
    }

    private func derive(
        _ derivation: ScramDerivation, now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) -> Arrival {
        if let known = cluster.derivedKeys[derivation] {
            return try goOn(with: .worked(.key(known)), now: now, cluster)
        }
        state = .derives
        cluster.derivations[id] = derivation
        cluster.emit(.derive(id, derivation))
        return .nothing
    }

    func derived(
        _ saltedPassword: [UInt8], now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) {
        guard login != nil else { return }
        _ = try goOn(with: .worked(.key(saltedPassword)), now: now, cluster)
    }

    private func loggedIn(_ lifetime: Int64, now: Instant, _ cluster: Cluster) -> Arrival {
        login = nil
        isLoggedIn = true
        state = .ready
        if lifetime > 0 {
            // 85 to 95 % of the lifetime, as Java's client; never beyond a year, so that no sum
            // of a hostile number overflows.
            let clamped = min(lifetime, 365 * 24 * 3_600_000)
            let percent = Int64.random(in: 85...95, using: &cluster.random)
            // A long poll may be in flight then and has to come back first.
            let poll = 2 * Int64(cluster.limits.tailWaitMilliseconds)
            let latest = max(clamped / 2, clamped - poll)
            let wait = min(clamped * percent / 100, latest)
            reauthenticateAt = now.adding(
                milliseconds: max(wait, cluster.limits.reauthenticationMinMilliseconds))
        }
        return .ready
    }

    /// What the broker says of a login, for the log. Brokers and their plug-ins word it as they
    /// like, and some put what they were sent into it.
    private func told(_ text: String) -> String {
        guard settings.sasl?.isToldBy(text) != true else {
            return "(the broker's text is left out: it repeats what it was sent)"
        }
        return OutsideText.cleaned(text)
    }
}
