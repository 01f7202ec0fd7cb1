import Timing

/// Names one session for the life of the process. The driver hands the numbers out.
public struct SessionID: OwnNumber, Sendable, CustomStringConvertible {
    /// 1 ..< 2^53: never reused, and exact as a number of Lua and JavaScript.
    public let raw: UInt64

    public init(raw: UInt64) {
        precondition(raw > 0 && raw < 1 << 53, "a session's number lies in 1 ..< 2^53")
        self.raw = raw
    }

    public var description: String { "\(raw)" }
}
