/// Bytes that stay where they are: a range of the frame that was decoded, or of the buffer that is
/// handed to an encoder beside the message.
public struct KafkaBytes: Equatable, Sendable {
    /// From the start of the bytes that the reader was given.
    public var offset: Int
    public var count: Int

    public init(offset: Int, count: Int) {
        self.offset = offset
        self.count = count
    }

    /// The range of `buffer`; nil if it does not lie within.
    @inlinable
    public func bytes(of buffer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard offset >= 0, count >= 0, offset <= buffer.count, count <= buffer.count - offset
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + count])
    }
}
