/// PLAIN (RFC 4616) as a client has it.
struct PlainLogin {
    private enum State { case initial, sent, finished }

    private let username: String
    private let password: String
    private var state = State.initial

    init(_ username: String, _ password: String) {
        self.username = username
        self.password = password
    }

    static func message(_ username: String, _ password: String) -> [UInt8] {
        [0] + Array(username.utf8) + [0] + Array(password.utf8)
    }

    mutating func take(_ event: Login.Event) throws(SASLError) -> Login.Step {
        switch (state, event) {
        case (.initial, .begin):
            state = .sent
            return .send(Self.message(username, password))
        case (.sent, .token):
            // RFC 4616 has no server message; brokers answer with an empty one.
            state = .finished
            return .finished
        default: throw .unexpectedMessage
        }
    }
}
