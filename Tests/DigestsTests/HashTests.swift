import Digests
import Testing

/// Digests against the vectors of their specifications.
@Suite struct HashTests {
    func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test func digestsOfABC() {
        let abc = [UInt8]("abc".utf8)
        #expect(hex(sha1(abc)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            hex(sha256(abc)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(hex(sha512(abc)).hasPrefix("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"))
        #expect(hex(sha256([])).hasPrefix("e3b0c44298fc1c149afbf4c8996fb924"))
    }

    /// RFC 4231 section 4.3.
    @Test func hmacVectors() {
        let key = [UInt8]("Jefe".utf8), data = [UInt8]("what do ya want for nothing?".utf8)
        #expect(
            hex(hmac(.sha256, key: key, data: data))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            hex(hmac(.sha512, key: key, data: data)).hasPrefix("164b7a7bfcf819e2e395fbe73b56e0a3"))
    }

    /// RFC 2104: a short key is filled up with zeros, so that the empty key is a key like another.
    @Test func anEmptyKeyIsAKey() {
        _ = hmac(.sha256, key: [1, 2, 3], data: [])
        #expect(
            hex(hmac(.sha256, key: [], data: []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    /// RFC 7914 section 11: the first half of its 64 bytes.
    @Test func pbkdf2Vectors() {
        let derived = pbkdf2(
            .sha256, password: [UInt8]("passwd".utf8), salt: [UInt8]("salt".utf8), iterations: 1)
        #expect(hex(derived) == "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc")
        #expect(pbkdf2(.sha512, password: [], salt: [1], iterations: 2).count == 64)
    }

    @Test func randomBytesDiffer() {
        #expect(secureRandom(24).count == 24)
        #expect(secureRandom(24) != secureRandom(24))
        #expect(secureRandom(0).isEmpty)
    }

    @Test func constantTimeEquality() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
        #expect(constantTimeEqual([], []))
    }
}
