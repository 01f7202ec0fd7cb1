/// PLAIN (RFC 4616) as a client has it.
struct PlainLogin {
    private enum State { case initial, sent, finished }

    private let credentials: SASLCredentials
    private var state = State.initial

    init(_ credentials: SASLCredentials) { self.credentials = credentials }

    mutating func take(_ event: Login.Event) throws(SASLError) -> Login.Step {
        switch (state, event) {
        case (.initial, .begin):
            state = .sent
            let (name, password) = (credentials.username, credentials.password)
            return .send([0] + Array(name.utf8) + [0] + Array(password.utf8))
        case (.sent, .token):
            // RFC 4616 has no server message; brokers answer with an empty one.
            state = .finished
            return .finished
        default: throw .unexpectedMessage
        }
    }
}
