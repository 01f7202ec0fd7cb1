/// OAUTHBEARER (RFC 7628, KIP-255) as a client has it.
struct BearerLogin {
    private enum State { case initial, sent, refused, finished }

    /// Enough for `status`, `scope` and a URL.
    private static let challengeBytesMax = 1024

    private let credentials: BearerCredentials
    private let token: BearerToken
    private var state = State.initial
    /// What the server says of a token that it does not take, as JSON.
    private(set) var challenge: String?

    init(_ credentials: BearerCredentials, _ token: BearerToken) {
        self.credentials = credentials
        self.token = token
    }

    mutating func take(_ event: Login.Event) throws(SASLError) -> Login.Step {
        switch (state, event) {
        case (.initial, .begin):
            guard token.isSendable else { throw .unsendableToken }
            state = .sent
            return .send(first)
        case (.sent, .token(let message)) where message.isEmpty:
            state = .finished
            return .finished
        case (.sent, .token(let message)):
            challenge = String(decoding: message.prefix(Self.challengeBytesMax), as: UTF8.self)
            state = .refused
            // RFC 7628 section 3.2.3: the failure is the answer to this.
            return .send([separator])
        case (.refused, .token): throw .refused(challenge ?? "")
        default: throw .unexpectedMessage
        }
    }

    private var separator: UInt8 { 1 }

    /// `n,` [`a=` authzid] `,` 01 `auth=Bearer ` token 01 *(name `=` value 01) 01
    private var first: [UInt8] {
        var message = Array("n,".utf8)
        if let identity = credentials.authorizationID {
            message += Array("a=".utf8) + scramEscaped(identity)
        }
        message += Array(",".utf8) + [separator] + Array("auth=Bearer \(token.value)".utf8)
        message.append(separator)
        for one in extensions { message += Array("\(one.name)=\(one.value)".utf8) + [separator] }
        return message + [separator]
    }

    private var extensions: [BearerExtension] {
        let own = Set(token.extensions.map(\.name))
        return (credentials.extensions.filter { !own.contains($0.name) } + token.extensions)
            .sorted { $0.name < $1.name }
    }
}
