import Digests

/// What a login has sent that nobody else may see, in the forms in which a peer could repeat it.
struct SentSecrets: Sendable {
    /// So many characters of a secret in a row are a leak: fewer stand in ordinary words.
    private static let toldCharactersMin = 6

    private var secrets: [[UInt8]] = []

    /// `wrapped`: the message that carries the secret, if that is told in base64.
    mutating func add(_ secret: [UInt8], wrapped: [UInt8]? = nil) {
        guard !secret.isEmpty else { return }
        secrets.append(secret)
        secrets.append(Array(base64Encode(secret).utf8))
        secrets.append(Self.hexadecimal(secret))
        if let wrapped { secrets.append(Array(base64Encode(wrapped).utf8)) }
    }

    /// Whether a peer's text holds a secret, or a good part of it, plain or in base64 or
    /// hexadecimal digits: it must not be shown to anybody.
    func areTold(by text: String) -> Bool {
        let text = Array(text.utf8)
        return secrets.contains { Self.holds(text, partOf: $0) }
    }

    private static func holds(_ text: [UInt8], partOf secret: [UInt8]) -> Bool {
        let length = min(secret.count, toldCharactersMin)
        guard text.count >= length else { return false }
        let parts = Set((0...secret.count - length).map { secret[$0..<$0 + length] })
        return (0...text.count - length).contains { parts.contains(text[$0..<$0 + length]) }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
}
