import Digests
import JSON
import Timing

/// The tokens that a cluster takes by OAUTHBEARER.
public struct BearerTokens: Sendable {
    /// What is known of somebody who has shown a good token.
    struct Principal: Equatable {
        var name: String
        /// nil: for ever.
        var expires: Instant?
    }

    private var opaque: [String: Principal] = [:]
    /// Whether tokens that nobody has signed are believed (KIP-255's unsecured JWS), as brokers
    /// without further settings do.
    public var takesUnsecured = false

    public init() {}

    var isEmpty: Bool { opaque.isEmpty && !takesUnsecured }

    /// - Parameter expires: nil: never.
    public mutating func add(_ token: String, user: String, expires: Instant? = nil) {
        opaque[token] = Principal(name: user, expires: expires)
    }

    public mutating func revoke(_ token: String) -> Bool {
        opaque.removeValue(forKey: token) != nil
    }

    /// nil: nobody's, or not any more. `epochMilliseconds`: the wall clock at `now`.
    func principal(of token: String, now: Instant, epochMilliseconds: Int64) -> Principal? {
        let known =
            opaque[token]
            ?? (takesUnsecured
                ? UnsecuredToken(token)?.principal(now, epochMilliseconds) : nil)
        guard let known, known.expires.map({ now < $0 }) ?? true else { return nil }
        return known
    }
}

/// A JWS (RFC 7515) with the algorithm "none": three parts, the last of which is empty.
struct UnsecuredToken {
    private let claims: JSONValue

    init?(_ token: String) {
        let parts = token.utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].isEmpty, let header = Self.json(Array(parts[0])),
            header["alg"]?.string == "none", let claims = Self.json(Array(parts[1]))
        else { return nil }
        self.claims = claims
    }

    /// `sub` and `exp`; both are needed, and `iat` must not lie in the future.
    func principal(_ now: Instant, _ epochMilliseconds: Int64) -> BearerTokens.Principal? {
        guard let name = claims["sub"]?.string, !name.isEmpty, let end = seconds("exp") else {
            return nil
        }
        let left = end * 1000 - Double(epochMilliseconds)
        let isIssued = (seconds("iat") ?? 0) * 1000 <= Double(epochMilliseconds)
        guard isIssued, left > 0, left < 1e15 else { return nil }
        return .init(name: name, expires: now.adding(milliseconds: Int64(left)))
    }

    private func seconds(_ claim: String) -> Double? {
        claims[claim]?.number.flatMap { Double($0.text) }
    }

    /// base64url without padding.
    private static func json(_ part: [UInt8]) -> JSONValue? {
        var text = part.map { byte in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        while text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
        guard let bytes = text.withUnsafeBytes({ base64Decode($0) }) else { return nil }
        return bytes.withUnsafeBytes { try? JSONValue.parse($0, depthMax: 8) }
    }
}
