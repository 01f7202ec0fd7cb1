import Digests

/// The server side of one login, for the in-memory broker and for tests of the client.
public struct SASLServer {
    public enum Step: Equatable, Sendable {
        /// Send it and wait for the client's next message.
        case challenge([UInt8])
        /// The login is good; `message` is still to be sent (empty for PLAIN).
        case done(username: String, message: [UInt8])
    }

    private enum State {
        case initial
        case challenged(username: String, ScramCredential, nonce: [UInt8], prefix: [UInt8])
        case finished
    }

    private let mechanism: SASLMechanism
    private let users: SASLUsers
    private let nonce: [UInt8]
    private var state = State.initial

    /// `nonces`: where what this side adds to the client's comes from.
    public init(_ mechanism: SASLMechanism, users: SASLUsers, _ nonces: NonceSource) {
        self.mechanism = mechanism
        self.users = users
        nonce = nonces.next()
    }

    public mutating func receive(_ message: [UInt8]) throws(SASLError) -> Step {
        switch state {
        case .initial where mechanism == .plain:
            state = .finished
            return .done(username: try plain(message), message: [])
        case .initial:
            return .challenge(try clientFirst(message))
        case .challenged(let username, let credential, let nonce, let prefix):
            state = .finished
            let signature = try clientFinal(message, credential, nonce: nonce, prefix: prefix)
            let answer = Array("v=\(base64Encode(signature))".utf8)
            return .done(username: username, message: answer)
        case .finished:
            throw .unexpectedMessage
        }
    }

    /// `[authzid] NUL authcid NUL passwd` (RFC 4616 section 2). As Kafka, acting for another
    /// identity is refused.
    private func plain(_ message: [UInt8]) throws(SASLError) -> String {
        let parts = message.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformedMessage("PLAIN has three parts") }
        let name = String(decoding: parts[1], as: UTF8.self)
        guard parts[0].isEmpty || parts[0] == parts[1],
            let password = users.plainPassword(of: name),
            constantTimeEqual(Array(parts[2]), Array(password.utf8))
        else { throw .wrongCredentials }
        return name
    }

    private mutating func clientFirst(_ message: [UInt8]) throws(SASLError) -> [UInt8] {
        // gs2-header: "n" (or "y") and an optional identity to act for, then the bare message.
        let parts = message.split(
            separator: UInt8(ascii: ","), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == [UInt8(ascii: "n")] else {
            throw .malformedMessage("the GS2 header is not \"n,,\"")
        }
        let bare = Array(parts[2])
        let tokenMark = Array(",tokenauth=true".utf8)
        let isToken = bare.suffix(tokenMark.count).elementsEqual(tokenMark)
        var attributes = try ScramAttributes(isToken ? bare.dropLast(tokenMark.count) : bare)
        guard bare.first != UInt8(ascii: "m") else { throw .mandatoryExtension }
        guard let username = scramUnescaped(try attributes.required("n")) else {
            throw .malformedMessage("the user name is not escaped as prescribed")
        }
        let clientNonce = try attributes.required("r")
        guard !clientNonce.isEmpty else { throw .malformedMessage("the nonce is empty") }
        guard let (owner, credential) = known(username, isToken: isToken) else {
            throw .wrongCredentials
        }
        let full = Array(clientNonce) + nonce
        let salt = base64Encode(credential.salt)
        let answer =
            Array("r=".utf8) + full + Array(",s=\(salt),i=\(credential.iterations)".utf8)
        let comma = [UInt8(ascii: ",")]
        state = .challenged(
            username: owner, credential, nonce: full, prefix: bare + comma + answer + comma)
        return answer
    }

    /// A delegation token's id is no user's name (KIP-48).
    private func known(_ name: String, isToken: Bool) -> (String, ScramCredential)? {
        guard isToken else { return users.scramCredential(of: name, mechanism).map { (name, $0) } }
        guard let owner = users.owner(ofToken: name) else { return nil }
        return users.tokenCredential(of: name, mechanism).map { (owner, $0) }
    }

    private func clientFinal(
        _ message: [UInt8], _ credential: ScramCredential, nonce: [UInt8], prefix: [UInt8]
    ) throws(SASLError) -> [UInt8] {
        var attributes = try ScramAttributes(message)
        guard try attributes.required("c").elementsEqual("biws".utf8) else {
            throw .malformedMessage("channel binding")
        }
        guard Array(try attributes.required("r")) == nonce else { throw .wrongNonce }
        guard let at = lastProof(in: message), let proof = fromBase64(message[(at + 3)...])
        else { throw .malformedMessage("p= is missing") }
        let authMessage = prefix + message[..<at]
        guard credential.keys.accepts(proof: proof, authMessage) else { throw .wrongCredentials }
        return credential.keys.serverSignature(authMessage)
    }

    /// Where `,p=` begins; RFC 5802 section 7 puts the proof last.
    private func lastProof(in message: [UInt8]) -> Int? {
        guard let comma = message.lastIndex(of: UInt8(ascii: ",")) else { return nil }
        return message[comma...].starts(with: ",p=".utf8) ? comma : nil
    }
}
