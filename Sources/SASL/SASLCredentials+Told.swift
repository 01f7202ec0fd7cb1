import Digests

extension SASLCredentials {
    /// So many characters of the password in a row are a leak: fewer stand in ordinary words.
    private static let toldCharactersMin = 6

    /// Whether a peer's text holds the password, a good part of it, or the token that carries it,
    /// plain or in base64 or hexadecimal digits: it must not be shown to anybody.
    public func isToldBy(_ text: String) -> Bool {
        guard !password.isEmpty else { return false }
        let text = Array(text.utf8)
        let token = [0] + Array(username.utf8) + [0] + Array(password.utf8)
        let secrets = [
            Array(password.utf8), Array(base64Encode(Array(password.utf8)).utf8),
            Array(base64Encode(token).utf8), Self.hexadecimal(Array(password.utf8)),
        ]
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
