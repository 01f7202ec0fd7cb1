import Digests

/// What follows from a salted password (RFC 5802 section 3).
struct ScramKeys: Sendable {
    let algorithm: DigestAlgorithm
    let clientKey: [UInt8]
    let storedKey: [UInt8]
    let serverKey: [UInt8]

    init(_ algorithm: DigestAlgorithm, saltedPassword: [UInt8]) {
        self.algorithm = algorithm
        clientKey = hmac(algorithm, key: saltedPassword, data: Array("Client Key".utf8))
        storedKey = scramHash(algorithm, clientKey)
        serverKey = hmac(algorithm, key: saltedPassword, data: Array("Server Key".utf8))
    }

    func clientProof(_ authMessage: [UInt8]) -> [UInt8] {
        exclusiveOr(clientKey, hmac(algorithm, key: storedKey, data: authMessage))
    }

    func serverSignature(_ authMessage: [UInt8]) -> [UInt8] {
        hmac(algorithm, key: serverKey, data: authMessage)
    }

    /// Whether `proof` was made by somebody who knows the client key.
    func accepts(proof: [UInt8], _ authMessage: [UInt8]) -> Bool {
        let signature = hmac(algorithm, key: storedKey, data: authMessage)
        guard proof.count == signature.count else { return false }
        return constantTimeEqual(
            scramHash(algorithm, exclusiveOr(proof, signature)), storedKey)
    }
}

func scramHash(_ algorithm: DigestAlgorithm, _ data: [UInt8]) -> [UInt8] {
    switch algorithm {
    case .sha256: sha256(data)
    case .sha512: sha512(data)
    }
}

private func exclusiveOr(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    zip(left, right).map { $0 ^ $1 }
}
