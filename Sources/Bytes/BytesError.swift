/// What is wrong with bytes from outside, and where. The offset counts from the start of what the
/// reader was given.
public struct BytesError: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The bytes end inside of a value.
        case truncated
        /// A variable-length integer is longer than its type allows.
        case varintTooLong
        /// A length or a count is negative where null is not allowed, or more than what follows.
        case invalidLength
        /// A string is not UTF-8.
        case invalidUTF8
        /// A value is none of those that its field can have.
        case invalidValue
    }

    public var reason: Reason
    public var offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}
