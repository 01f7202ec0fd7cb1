import Digests

/// SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677) as a client has them; no channel binding,
/// which Kafka does not have.
struct ScramLogin {
    private enum State {
        case initial
        case firstSent
        case deriving(authMessagePrefix: [UInt8], finalWithoutProof: [UInt8])
        case finalSent(serverSignature: [UInt8])
        case finished
    }

    private let credentials: PasswordCredentials
    private let password: String
    private let nonce: [UInt8]
    private var state = State.initial

    init(_ credentials: PasswordCredentials, password: String, nonce: [UInt8]) {
        self.credentials = credentials
        self.password = password
        self.nonce = nonce
    }

    mutating func take(_ event: Login.Event) throws(SASLError) -> Login.Step {
        switch (state, event) {
        case (.initial, .begin):
            state = .firstSent
            return .send(Array("n,,".utf8) + clientFirstBare)
        case (.firstSent, .token(let message)): return .work(.derive(try serverFirst(message)))
        case (.deriving, .worked(.key(let key))): return .send(try derived(key))
        case (.finalSent(let signature), .token(let message)):
            try serverFinal(message, expected: signature)
            state = .finished
            return .finished
        default: throw .unexpectedMessage
        }
    }

    private mutating func derived(_ saltedPassword: [UInt8]) throws(SASLError) -> [UInt8] {
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
        let name = Array("n=".utf8) + scramEscaped(credentials.username)
        // KIP-48. It stands behind the nonce and is none of it: the server's nonce goes on from
        // ours alone.
        let kind = credentials.isDelegationToken ? Array(",tokenauth=true".utf8) : []
        return name + Array(",r=".utf8) + nonce + kind
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
            mechanism: credentials.mechanism, password: Array(password.utf8),
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
