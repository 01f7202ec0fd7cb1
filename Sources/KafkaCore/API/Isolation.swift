/// Which records of transactions a reader sees. Raw values are the wire's `isolation_level`.
public enum Isolation: Int8, Hashable, Sendable, CaseIterable {
    /// Everything below the high watermark, aborted records too.
    case readUncommitted = 0
    /// Committed records below the last stable offset.
    case readCommitted = 1

    var other: Isolation { self == .readCommitted ? .readUncommitted : .readCommitted }
}
