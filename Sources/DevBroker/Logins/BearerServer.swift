import SASL
import Timing

/// The server side of OAUTHBEARER, as Kafka's own (`OAuthBearerSaslServer`).
struct BearerServer {
    private enum State {
        case initial
        /// The token was refused; the client's byte 01 is awaited.
        case refused
        case finished
    }

    private let tokens: BearerTokens
    private var state = State.initial
    /// What the client has sent beside its token.
    private(set) var extensions: [String: String] = [:]
    private(set) var expires: Instant?
    /// What a refusal is told with, in place of the usual words.
    private(set) var words: String?

    init(_ tokens: BearerTokens) { self.tokens = tokens }

    mutating func receive(
        _ message: [UInt8], now: Instant, epochMilliseconds: Int64
    ) throws(SASLError) -> SASLServer.Step {
        guard case .initial = state else { throw refusal(message) }
        let shown: BearerMessage
        do {
            shown = try BearerMessage(message)
        } catch {
            words = "Authentication failed: Invalid OAUTHBEARER client first message"
            throw error
        }
        guard
            let principal = tokens.principal(
                of: shown.token, now: now, epochMilliseconds: epochMilliseconds)
        else {
            state = .refused
            return .challenge(Array(Self.challenge.utf8))
        }
        if let identity = shown.authorizationID, identity != principal.name {
            words =
                "Authentication failed: Client requested an authorization id (\(identity)) that is"
                + " different from the token's principal name (\(principal.name))"
            throw .wrongCredentials
        }
        state = .finished
        extensions = shown.extensions
        expires = principal.expires
        return .done(username: principal.name, message: [])
    }

    private static let challenge = #"{"status":"invalid_token"}"#

    private mutating func refusal(_ message: [UInt8]) -> SASLError {
        guard case .refused = state, message == [1] else { return .unexpectedMessage }
        words = Self.challenge
        return .wrongCredentials
    }
}

/// The client's first message (RFC 7628 section 3.1).
struct BearerMessage {
    let token: String
    let authorizationID: String?
    private(set) var extensions: [String: String] = [:]

    /// `n,` [`a=` authzid] `,` 01 { key `=` value 01 } 01, where one key is `auth`.
    init(_ message: [UInt8]) throws(SASLError) {
        let parts = message.split(separator: 1, omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[parts.count - 1].isEmpty, parts[parts.count - 2].isEmpty
        else { throw .malformedMessage("it does not end in two separators") }
        authorizationID = try Self.identity(String(decoding: parts[0], as: UTF8.self))
        var token: String?
        for part in parts[1..<parts.count - 2] {
            let text = String(decoding: part, as: UTF8.self)
            guard let at = text.firstIndex(of: "=") else { throw .malformedMessage("key=value") }
            let (key, value) = (String(text[..<at]), String(text[text.index(after: at)...]))
            if key == "auth" {
                token = try Self.token(value)
            } else {
                guard BearerExtension(name: key, value: value) != nil else {
                    throw .malformedMessage("extension \(key)")
                }
                extensions[key] = value
            }
        }
        guard let token else { throw .malformedMessage("auth= is missing") }
        self.token = token
    }

    private static func token(_ value: String) throws(SASLError) -> String {
        let parts = value.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer",
            BearerToken(value: String(parts[1])).isSendable
        else { throw .malformedMessage("auth") }
        return String(parts[1])
    }

    private static func identity(_ header: String) throws(SASLError) -> String? {
        guard header.hasPrefix("n,"), header.hasSuffix(","), header != "n," else {
            throw .malformedMessage("the GS2 header")
        }
        let middle = header.dropFirst(2).dropLast()
        guard !middle.isEmpty else { return nil }
        guard middle.hasPrefix("a=") else { throw .malformedMessage("the GS2 header") }
        guard let name = scramUnescaped(Array(middle.utf8)[2...]) else {
            throw .malformedMessage("the identity is not escaped as prescribed")
        }
        return name
    }
}
