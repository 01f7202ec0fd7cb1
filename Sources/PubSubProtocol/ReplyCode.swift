/// `ErrorResp.code`.
public struct ReplyCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The message names the field and its place.
    public static let malformed = ReplyCode(rawValue: 1)
    public static let unknownCommand = ReplyCode(rawValue: 2)
    /// By the route or the session.
    public static let notAllowed = ReplyCode(rawValue: 3)
    /// The message names the limit.
    public static let limit = ReplyCode(rawValue: 4)
    /// Topic or partition; to the client a refused one looks the same.
    public static let notFound = ReplyCode(rawValue: 5)
    /// No broker, no leader.
    public static let unavailable = ReplyCode(rawValue: 6)
    public static let timedOut = ReplyCode(rawValue: 7)
    /// Kafka refused the credentials, or its TLS peer was refused.
    public static let refusedByKafka = ReplyCode(rawValue: 8)
    public static let internalError = ReplyCode(rawValue: 9)
    /// The host's own command failed.
    public static let hostCommand = ReplyCode(rawValue: 10)

    /// Kafka's error `code`: 1001 for OFFSET_OUT_OF_RANGE, 999 for UNKNOWN_SERVER_ERROR (-1).
    public static func kafka(_ code: Int16) -> ReplyCode {
        ReplyCode(rawValue: 1000 + Int32(code))
    }
}
