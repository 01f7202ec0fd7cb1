/// GSSAPI (RFC 4752) as a client has it: the Kerberos library makes the tokens, on another thread,
/// because it may have to ask the KDC; here is who says what when.
struct GSSAPILogin {
    private enum State {
        case initial
        case works
        /// `isComplete`: the library wants no further token. The server's last answer is still to
        /// come.
        case sent(isComplete: Bool)
        case finished
    }

    /// Kerberos takes three or four tokens each way; who asks for more goes on for ever.
    private static let tokensMax = 16

    private let service: String
    private let host: String
    private var state = State.initial
    private var tokens = 0

    init(service: String, host: String) {
        self.service = service
        self.host = host
    }

    mutating func take(_ event: Login.Event) throws(SASLError) -> Login.Step {
        switch (state, event) {
        case (.initial, .begin):
            guard !Self.isAddress(host) else { throw .addressInsteadOfHost(host) }
            state = .works
            return .work(.gssapi(.begin(service: service, host: host)))
        case (.works, .worked(.gssapi(let token, let isComplete))):
            state = .sent(isComplete: isComplete)
            // An empty one is a message too.
            return .send(token)
        case (.sent(isComplete: true), .token(let message)) where message.isEmpty:
            state = .finished
            return .finished
        case (.sent, .token(let message)):
            guard message.count <= ScramLimits.messageBytesMax * 16 else {
                throw .messageTooLong(message.count)
            }
            tokens += 1
            guard tokens <= Self.tokensMax else { throw .unexpectedMessage }
            state = .works
            return .work(.gssapi(.answer(message)))
        default: throw .unexpectedMessage
        }
    }

    /// A principal is made of a host's name; an address has none.
    private static func isAddress(_ host: String) -> Bool {
        host.utf8.contains(UInt8(ascii: ":"))
            || host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }
}
