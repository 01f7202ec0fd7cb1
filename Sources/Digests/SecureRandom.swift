import COpenSSL
import CShims

/// Random bytes for nonces and keys, from OpenSSL's generator.
public func secureRandom(_ count: Int) -> [UInt8] {
    cshims_openssl_start()
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        // A predictable nonce is worse than no process: there is no fallback.
        precondition(RAND_bytes(buffer.baseAddress, Int32(count)) == 1, "no randomness")
        filled = count
    }
}

/// Equality that takes the same time wherever the bytes differ: for signatures and secrets.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
