/// A password or a token: itself, or the file that holds it. Printing it shows no secret.
public enum Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    case value(String)
    case file(SecretFile)

    public var description: String {
        switch self {
        case .value: "***"
        case .file(let file): file.path
        }
    }

    public var debugDescription: String { description }
}

/// A file with a secret, read anew when it has changed.
public struct SecretFile: Hashable, Sendable {
    public let path: String
    /// The setting that names it, for errors: `password_file`.
    public let key: String

    public init(path: String, key: String) {
        self.path = path
        self.key = key
    }
}
