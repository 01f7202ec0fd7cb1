/// A cursor over bytes just received, which the connection unmasks where they lie. It borrows the
/// driver's buffer and must not outlive the call that lent it.
public struct MutableInput {
    public let bytes: UnsafeMutableRawBufferPointer
    /// Invariant: 0 <= position <= bytes.count.
    public internal(set) var position = 0

    @inlinable
    public init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

    public var remaining: Int { bytes.count - position }
    public var isAtEnd: Bool { position == bytes.count }

    /// What was not consumed yet: a driver that stops in the middle keeps a copy of these.
    public var rest: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes[position...])
    }

    /// Consumes and answers the next `count` bytes.
    mutating func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let start = position
        position += count
        return UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + count])
    }
}
