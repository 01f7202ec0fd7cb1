/// The client side of one login: a machine that every mechanism fits into. No I/O, no clock and no
/// randomness of its own; a further login on the same connection takes a new machine.
///
///     var login = Login(credentials, host: "broker.example", nonces)
///     var event = Login.Event.begin
///     switch try login.take(event) {
///     case .send(let token): send(token)                 // the answer is the next event
///     case .work(let work): perform(work)                // elsewhere; its result is the next
///     case .finished: // the server has proved that it knows the password (SCRAM)
///     }
public struct Login {
    public enum Event: Equatable, Sendable {
        case begin
        /// The server's next message.
        case token([UInt8])
        case worked(LoginWork.Result)
    }

    public enum Step: Equatable, Sendable {
        case send([UInt8])
        /// Perform it (on another thread: it takes milliseconds, or waits), and give the result
        /// back.
        case work(LoginWork)
        case finished
    }

    private enum State {
        case initial
        /// A file is read, or the host's token awaited.
        case awaitsSecret
        case plain(PlainLogin)
        case scram(ScramLogin)
        case bearer(BearerLogin)
        case gssapi(GSSAPILogin)
    }

    private let credentials: SASLCredentials
    private let host: String
    private let nonces: NonceSource
    private var state = State.initial
    private var secrets = SentSecrets()

    /// - Parameter host: the name by which the server was dialled.
    public init(_ credentials: SASLCredentials, host: String, _ nonces: NonceSource) {
        self.credentials = credentials
        self.host = host
        self.nonces = nonces
    }

    /// What the server has said of a token that it does not take: JSON (RFC 7628 section 3.2.2).
    public var challenge: String? {
        guard case .bearer(let login) = state else { return nil }
        return login.challenge
    }

    /// Whether a peer's text repeats what this login has sent and nobody else may see.
    public func isToldBy(_ text: String) -> Bool { secrets.areTold(by: text) }

    /// What is to be done next. An event that does not fit throws, and ends the login.
    public mutating func take(_ event: Event) throws(SASLError) -> Step {
        if case .worked(.failed(let reason)) = event { throw .unavailable(reason) }
        switch (state, event) {
        case (.initial, .begin): return try begin()
        case (.awaitsSecret, .worked(.secret(let secret))): return try run(secret: secret)
        case (.awaitsSecret, .worked(.token(let token))): return try run(token: token)
        default: return try pass(event)
        }
    }

    private mutating func pass(_ event: Event) throws(SASLError) -> Step {
        switch state {
        case .initial, .awaitsSecret: throw .unexpectedMessage
        case .plain(var login):
            defer { state = .plain(login) }
            return try login.take(event)
        case .scram(var login):
            defer { state = .scram(login) }
            return try login.take(event)
        case .bearer(var login):
            defer { state = .bearer(login) }
            return try login.take(event)
        case .gssapi(var login):
            defer { state = .gssapi(login) }
            return try login.take(event)
        }
    }

    // MARK: The secret

    private mutating func begin() throws(SASLError) -> Step {
        switch credentials {
        case .password(let credentials): return try need(credentials.password)
        case .bearer(let credentials):
            switch credentials.token {
            case .secret(let secret): return try need(secret)
            case .host(let name):
                state = .awaitsSecret
                return .work(.token(name))
            }
        case .kerberos(let service):
            state = .gssapi(GSSAPILogin(service: service, host: host))
            return try pass(.begin)
        }
    }

    private mutating func need(_ secret: Secret) throws(SASLError) -> Step {
        switch secret {
        case .value(let value): return try run(secret: value)
        case .file(let file):
            state = .awaitsSecret
            return .work(.read(file))
        }
    }

    private mutating func run(secret: String) throws(SASLError) -> Step {
        guard case .password(let credentials) = credentials else {
            return try run(token: BearerToken(value: secret))
        }
        guard credentials.canSend(secret) else { throw .unsendableCredentials }
        secrets.add(Array(secret.utf8), wrapped: PlainLogin.message(credentials.username, secret))
        if credentials.mechanism == .plain {
            state = .plain(PlainLogin(credentials.username, secret))
        } else {
            state = .scram(ScramLogin(credentials, password: secret, nonce: nonces.next()))
        }
        return try pass(.begin)
    }

    private mutating func run(token: BearerToken) throws(SASLError) -> Step {
        guard case .bearer(let credentials) = credentials else { throw .unexpectedMessage }
        secrets.add(Array(token.value.utf8))
        state = .bearer(BearerLogin(credentials, token))
        return try pass(.begin)
    }
}

extension PasswordCredentials {
    /// RFC 4616 section 2: NUL separates the parts of a PLAIN message, so neither part may hold
    /// one; RFC 4422 forbids an empty identity.
    fileprivate func canSend(_ password: String) -> Bool {
        !username.isEmpty && !username.utf8.contains(0) && !password.utf8.contains(0)
    }
}
