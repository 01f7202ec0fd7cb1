/// What is tried again after a pause: a label of the metrics.
public enum RetryKind: String, CaseIterable, Comparable, Sendable {
    case connect, fetch, metadata, poll
    case listOffsets = "list_offsets"

    public static func < (left: RetryKind, right: RetryKind) -> Bool {
        left.rawValue < right.rawValue
    }
}
