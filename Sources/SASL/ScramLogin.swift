import Digests

/// The client side of one login: PLAIN (RFC 4616) or SCRAM-SHA-256/512 (RFC 5802, RFC 7677; no
/// channel binding, which Kafka does not have). No I/O; a re-authentication takes a new machine.
///
///     var client = SASLClient(credentials)
///     send(try client.start())
///     switch try client.receive(answer) {
///     case .send(let bytes): send(bytes)
///     case .derive(let work): send(client.derived(work.saltedPassword()))   // on any thread
///     case .done: // the server has proved that it knows the password (SCRAM)
///     }
public struct SASLClient {
    public enum Step: Equatable, Sendable {
        case send([UInt8])
        /// Run it (on another thread: it takes milliseconds) and give the result to `derived`.
        case derive(ScramDerivation)
        case done
    }

    private enum State {
        case initial
        case plainSent
        case firstSent
        case deriving(authMessagePrefix: [UInt8], finalWithoutProof: [UInt8])
        case finalSent(serverSignature: [UInt8])
        case finished
    }

    private let credentials: SASLCredentials
    private let nonce: [UInt8]
    private var state = State.initial

    /// `nonce`: printable ASCII without a comma, never used twice. Given only by simulations and
    /// by the vectors of the RFCs; otherwise it is random.
    public init(_ credentials: SASLCredentials, nonce: [UInt8]? = nil) {
        self.credentials = credentials
        self.nonce = nonce ?? scramNonce()
    }

    /// The first message to the server.
    public mutating func start() throws(SASLError) -> [UInt8] {
        guard case .initial = state else { throw .unexpectedMessage }
        guard credentials.isSendable else { throw .unsendableCredentials }
        if credentials.mechanism == .plain {
            state = .plainSent
            return [0] + Array(credentials.username.utf8) + [0] + Array(credentials.password.utf8)
        }
        state = .firstSent
        return Array("n,,".utf8) + clientFirstBare
    }

    /// Takes the server's next message.
    public mutating func receive(_ message: [UInt8]) throws(SASLError) -> Step {
        switch state {
        case .plainSent:
            // RFC 4616 has no server message; brokers answer with an empty one.
            state = .finished
            return .done
        case .firstSent:
            return .derive(try serverFirst(message))
        case .finalSent(let signature):
            try serverFinal(message, expected: signature)
            state = .finished
            return .done
        case .initial, .deriving, .finished:
            throw .unexpectedMessage
        }
    }

    /// Takes the result of `Step.derive`; answers the message to send.
    public mutating func derived(_ saltedPassword: [UInt8]) throws(SASLError) -> [UInt8] {
        guard case .deriving(let prefix, let withoutProof) = state,
            let digest = credentials.mechanism.digest
        else { throw .unexpectedMessage }
        let keys = ScramKeys(digest, saltedPassword: saltedPassword)
        let authMessage = prefix + withoutProof
        state = .finalSent(serverSignature: keys.serverSignature(authMessage))
        let proof = base64Encode(keys.clientProof(authMessage))
        return withoutProof + Array(",p=\(proof)".utf8)
    }

    private var clientFirstBare: [UInt8] {
        Array("n=".utf8) + scramEscaped(credentials.username) + Array(",r=".utf8) + nonce
    }

    private mutating func serverFirst(_ message: [UInt8]) throws(SASLError) -> ScramDerivation {
        var attributes = try ScramAttributes(message)
        guard message.first != UInt8(ascii: "m") else { throw .mandatoryExtension }
        if message.first == UInt8(ascii: "e") { throw try refusal(&attributes) }
        let fullNonce = try attributes.required("r")
        // The same nonce back would let a server replay an old login of ours.
        guard fullNonce.starts(with: nonce), fullNonce.count > nonce.count else {
            throw .wrongNonce
        }
        guard let salt = fromBase64(try attributes.required("s")), !salt.isEmpty else {
            throw .malformedMessage("the salt is not base64")
        }
        let iterations = try iterationCount(try attributes.required("i"))
        // gs2-header "n,," in base64 (RFC 5802 section 7, cbind-input).
        let final = Array("c=biws,r=".utf8) + fullNonce
        let comma = [UInt8(ascii: ",")]
        state = .deriving(
            authMessagePrefix: clientFirstBare + comma + message + comma, finalWithoutProof: final)
        return ScramDerivation(
            mechanism: credentials.mechanism, password: Array(credentials.password.utf8),
            salt: salt, iterations: iterations)
    }

    private func serverFinal(_ message: [UInt8], expected: [UInt8]) throws(SASLError) {
        var attributes = try ScramAttributes(message)
        if message.first == UInt8(ascii: "e") { throw try refusal(&attributes) }
        guard let signature = fromBase64(try attributes.required("v")) else {
            throw .malformedMessage("the signature is not base64")
        }
        guard constantTimeEqual(signature, expected) else { throw .wrongServerSignature }
    }

    private func refusal(_ attributes: inout ScramAttributes) throws(SASLError) -> SASLError {
        .refused(String(decoding: try attributes.required("e"), as: UTF8.self))
    }
}

/// A positive decimal number within the limits.
private func iterationCount(_ digits: ArraySlice<UInt8>) throws(SASLError) -> Int {
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }),
        let count = Int(String(decoding: digits, as: UTF8.self))
    else { throw .malformedMessage("the iteration count is not a number") }
    guard ScramLimits.iterations.contains(count) else { throw .iterationsOutOfRange(count) }
    return count
}

/// Random printable ASCII.
func scramNonce() -> [UInt8] {
    Array(base64Encode(secureRandom(ScramLimits.nonceBytes)).utf8)
}
