/// A broker's error code. Codes that are newer than the table keep their number.
public struct KafkaError: RawRepresentable, Hashable, Error {
    public var rawValue: Int16

    @inlinable public init(rawValue: Int16) { self.rawValue = rawValue }
    @inlinable public init(_ code: Int16) { rawValue = code }

    /// What a code asks of a client.
    public enum Reaction: Sendable {
        /// Nothing is wrong.
        case none
        /// The offset is not there any more or not yet: only the reader can decide.
        case position
        /// The same again, after a pause.
        case retry
        /// Look the leader up again, then the same again, after a pause.
        case metadata
        /// Look the coordinator up again, then the same again, after a pause.
        case coordinator
        /// Open the fetch session anew.
        case session
        /// Begin again at the bootstrap nodes (KIP-1102).
        case bootstrap
        /// The connection cannot be used with these credentials.
        case login
        /// These credentials may not do this.
        case denied
        /// The member has to join its group again.
        case group
        /// The producer's own state is wrong or fenced.
        case producer
        /// The request cannot succeed as it is. Unknown codes are of this kind.
        case refused
    }

    /// The name in Kafka's documentation, "KAFKA_ERROR_n" for a code newer than the table.
    public var name: String { entry?.name ?? "KAFKA_ERROR_\(rawValue)" }

    /// Whether it stands in the table.
    public var isKnown: Bool { entry != nil }

    public var reaction: Reaction { entry?.reaction ?? .refused }

    /// Whether the same request may succeed later, perhaps elsewhere.
    public var isRetriable: Bool {
        switch reaction {
        case .retry, .metadata, .coordinator, .session, .bootstrap: true
        case .none, .position, .login, .denied, .group, .producer, .refused: false
        }
    }
}

extension KafkaError: CustomStringConvertible {
    public var description: String { name }
}
