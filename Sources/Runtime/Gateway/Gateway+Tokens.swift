import Bytes
import GatewayCore
import SASL
import Timing

// Tokens for OAUTHBEARER that the host brings.
extension Gateway {
    /// Requests for the token go to `queue`; nil ends that.
    public func registerToken(_ name: String, _ queue: EventQueue?) throws(Failure) {
        try mustOwn(queue)
        try Self.mustBeName(name)
        if let queue {
            return tokens.setHost(name) { queue.push(QueueEvent(token: $0, millisecondsLeft: $1)) }
        }
        guard tokens.removeHost(name) else {
            throw Failure(.invalid, "nobody is registered for the token \"\(name)\"")
        }
    }

    public func setToken(
        _ name: String, _ value: String, lifeMilliseconds: Int64, extensionsJSON: String?
    ) throws(Failure) {
        try Self.mustBeName(name)
        guard lifeMilliseconds > 0 else {
            throw Failure(.invalid, "lifetime_ms is \(lifeMilliseconds): the token is over")
        }
        let extensions: [BearerExtension]
        do {
            extensions = try BearerExtension.parse(extensionsJSON)
        } catch {
            throw Failure(.config, "extensions_json: \(error)")
        }
        let token = BearerToken(value: value, extensions: extensions)
        guard token.isSendable else {
            throw Failure(
                .invalid,
                "the token is empty, or holds a character that no token may"
                    + " (letters, digits, -._~+/ and = at its end)")
        }
        tokens.set(name, token, lifeMilliseconds: lifeMilliseconds)
    }

    public func failToken(_ name: String, reason: String) throws(Failure) {
        try Self.mustBeName(name)
        tokens.fail(name, OutsideText.cleaned(reason))
    }

    func startLogins(_ loops: [LoopHandle]) {
        let log: LoginLog = { [weak self] in self?.log(HostLogLevel($0), $1) }
        files.start(log: log)
        let first = loops.first
        tokens.start(
            wake: { [tokens] name, at in
                first?.post { driver in
                    _ = driver.loop.schedule(at: at) { tokens.tick(name) }
                }
            }, log: log)
    }

    private static func mustBeName(_ name: String) throws(Failure) {
        guard RouteTable.isIdentifier(name) else {
            throw Failure(.invalid, "the token's name: \(RouteTable.identifierRule)")
        }
    }
}

extension QueueEvent {
    fileprivate init(token name: String, millisecondsLeft: Int64) {
        self.init(.token)
        text = name
        number = millisecondsLeft
    }
}
