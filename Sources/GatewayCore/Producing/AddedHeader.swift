/// A header that the gateway adds to every record which is produced. No client can send one by its
/// name.
public struct AddedHeader: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case text(String)
        /// Who the session is, to its host; where nobody has said, there is no header.
        case principal
        /// What correlates it with the host's log, likewise.
        case trace
    }

    public var name: String
    public var value: Value

    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}
