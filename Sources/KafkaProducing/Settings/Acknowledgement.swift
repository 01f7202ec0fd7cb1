/// Who has a record before its producer is told so (`acks`).
public enum Acknowledgement: Int16, Hashable, Sendable {
    /// Nobody is asked: no offset, and no error but the end of the connection.
    case none = 0
    /// The partition's leader.
    case leader = 1
    /// Every replica that is in sync.
    case all = -1
}
