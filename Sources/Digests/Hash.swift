import COpenSSL
import CShims

/// SHA-1: only for `Sec-WebSocket-Accept` (RFC 6455 section 4.2.2).
public func sha1(_ bytes: [UInt8]) -> [UInt8] { digest(EVP_sha1(), length: 20, bytes) }

public func sha256(_ bytes: [UInt8]) -> [UInt8] { digest(EVP_sha256(), length: 32, bytes) }

public func sha512(_ bytes: [UInt8]) -> [UInt8] { digest(EVP_sha512(), length: 64, bytes) }

/// HMAC (RFC 2104) of `data` under `key`.
public func hmac(_ algorithm: DigestAlgorithm, key: [UInt8], data: [UInt8]) -> [UInt8] {
    cshims_openssl_start()
    return filled(algorithm.length) { output in
        // A null key would mean "the key of the last call" to HMAC.
        let key = key.isEmpty ? [0] : key
        let keyLength = Int32(key.count)
        return HMAC(
            algorithm.implementation, key, keyLength, data, data.count, output, nil) != nil
    }
}

/// PBKDF2 with HMAC (RFC 8018). Takes about half a second per million iterations: never on a loop.
///
/// - Precondition: `iterations` is positive; the caller has bounded it.
public func pbkdf2(
    _ algorithm: DigestAlgorithm, password: [UInt8], salt: [UInt8], iterations: Int
) -> [UInt8] {
    precondition(iterations > 0 && iterations <= Int(Int32.max), "iterations out of range")
    cshims_openssl_start()
    return filled(algorithm.length) { output in
        password.withUnsafeBytes { password in
            PKCS5_PBKDF2_HMAC(
                password.assumingMemoryBound(to: CChar.self).baseAddress, Int32(password.count),
                salt, Int32(salt.count), Int32(iterations), algorithm.implementation,
                Int32(algorithm.length), output) == 1
        }
    }
}

private func digest(_ implementation: OpaquePointer?, length: Int, _ bytes: [UInt8]) -> [UInt8] {
    cshims_openssl_start()
    return filled(length) { EVP_Digest(bytes, bytes.count, $0, nil, implementation, nil) == 1 }
}

/// An array that OpenSSL fills. It fails only without memory or with a configuration that forbids
/// the algorithm: nothing that a peer could cause.
private func filled(_ length: Int, _ fill: (UnsafeMutablePointer<UInt8>?) -> Bool) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
        precondition(fill(buffer.baseAddress), "OpenSSL refuses a digest")
        count = length
    }
}
