import Digests
import Testing

/// Base64 (RFC 4648 section 10), and what the decoder refuses.
@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func vectors(plain: String, encoded: String) {
        #expect(base64Encode([UInt8](plain.utf8)) == encoded)
        #expect(base64Decode(encoded) == [UInt8](plain.utf8))
    }

    @Test func everyByteSurvives() {
        for count in 0...256 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167) }
            #expect(base64Decode(base64Encode(bytes)) == bytes)
        }
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg==Zg==", "=g==", "Zm9v\n", "Zm 9", "Z===", "====", "Zm9-", "Zh==",
        "Zm9=", "Zg==\u{00e9}",
    ])
    func whatNoEncoderWritesIsRefused(text: String) {
        #expect(base64Decode(text) == nil)
    }
}
