/// What a client shows for OAUTHBEARER: a token that somebody else has given out.
public struct BearerCredentials: Hashable, Sendable {
    public var token: BearerSource
    /// The identity to act as; brokers take the token's own only.
    public var authorizationID: String?
    /// Sent along with each token, sorted by name (KIP-342).
    public var extensions: [BearerExtension]

    public init(
        token: BearerSource, authorizationID: String? = nil, extensions: [BearerExtension] = []
    ) {
        self.token = token
        self.authorizationID = authorizationID
        self.extensions = extensions.sorted { $0.name < $1.name }
    }
}

/// Where the token comes from.
public enum BearerSource: Hashable, Sendable, CustomStringConvertible {
    case secret(Secret)
    /// The host brings it, and a new one in time, under this name.
    case host(String)

    public var description: String {
        switch self {
        case .secret(let secret): "\(secret)"
        case .host(let name): "token of the host \(name)"
        }
    }
}

/// One `name=value` beside a token (RFC 7628 section 3.1, KIP-342).
public struct BearerExtension: Hashable, Sendable {
    public let name: String
    public let value: String

    /// nil: a broker would refuse it, and the whole login with it. Names are letters and not
    /// `auth`; values are printable ASCII, spaces, tabs and line ends.
    public init?(name: String, value: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(isLetter), name != "auth", !value.isEmpty,
            value.utf8.allSatisfy({ (0x20...0x7e).contains($0) || [9, 10, 13].contains($0) })
        else { return nil }
        self.name = name
        self.value = value
    }
}

/// One token and what goes with it. Printing it shows nothing of it.
public struct BearerToken: Hashable, Sendable, CustomStringConvertible,
    CustomDebugStringConvertible
{
    public let value: String
    /// Take the place of the credentials' own of the same name.
    public let extensions: [BearerExtension]

    public init(value: String, extensions: [BearerExtension] = []) {
        self.value = value
        self.extensions = extensions
    }

    /// RFC 6750 section 2.1, `b64token`.
    public var isSendable: Bool {
        let stem = value.utf8.prefix { $0 != UInt8(ascii: "=") }
        return !stem.isEmpty && stem.allSatisfy(Self.isTokenCharacter)
            && value.utf8.dropFirst(stem.count).allSatisfy { $0 == UInt8(ascii: "=") }
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: isLetter(byte)
        }
    }

    public var description: String { "***" }
    public var debugDescription: String { description }
}

func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
}
