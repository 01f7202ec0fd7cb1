/// The client side of one login: a machine that every mechanism fits into. No I/O, no clock and no
/// randomness of its own; a further login on the same connection takes a new machine.
///
///     var login = Login(credentials, nonces)
///     var event = Login.Event.begin
///     switch try login.take(event) {
///     case .send(let token): send(token)                 // the answer is the next event
///     case .work(let work): event = .worked(work.perform())   // on any thread
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
        /// Perform it (on another thread: it takes milliseconds), and give the result back.
        case work(LoginWork)
        case finished
    }

    private enum Mechanism {
        case plain(PlainLogin)
        case scram(ScramLogin)
    }

    private let credentials: SASLCredentials
    private var mechanism: Mechanism

    public init(_ credentials: SASLCredentials, _ nonces: NonceSource) {
        self.credentials = credentials
        switch credentials.mechanism {
        case .plain: mechanism = .plain(PlainLogin(credentials))
        case .scramSHA256, .scramSHA512:
            mechanism = .scram(ScramLogin(credentials, nonce: nonces.next()))
        }
    }

    /// What is to be done next. An event that does not fit throws, and ends the login.
    public mutating func take(_ event: Event) throws(SASLError) -> Step {
        if event == .begin, !credentials.isSendable { throw .unsendableCredentials }
        switch mechanism {
        case .plain(var login):
            defer { mechanism = .plain(login) }
            return try login.take(event)
        case .scram(var login):
            defer { mechanism = .scram(login) }
            return try login.take(event)
        }
    }
}

/// What a login has to compute or to wait for, away from the connection's thread.
public enum LoginWork: Hashable, Sendable {
    case derive(ScramDerivation)

    public enum Result: Hashable, Sendable {
        case key([UInt8])
    }

    public func perform() -> Result {
        switch self {
        case .derive(let derivation): .key(derivation.saltedPassword())
        }
    }
}
