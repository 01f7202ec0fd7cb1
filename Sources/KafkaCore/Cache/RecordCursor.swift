/// A place inside a slice's bytes. A value that a session may keep for as long as it likes: it
/// holds an offset, never memory.
public struct RecordCursor {
    public let log: PartitionLog
    public let isolation: Isolation
    /// The record that the next byte belongs to, or an offset before it.
    public internal(set) var offset: Int64
    /// Bytes of that record that were taken already.
    public internal(set) var skipBytes: Int
    /// Bytes of the slice that were not taken yet.
    public internal(set) var remainingBytes: Int
    /// Where the slice ends; bytes at or beyond it are never handed out.
    public private(set) var endOffset: Int64

    /// Stands at the slice's first byte.
    public init(_ slice: RecordSlice) {
        log = slice.log
        isolation = slice.isolation
        offset = slice.firstOffset
        skipBytes = 0
        remainingBytes = slice.byteCount
        endOffset = slice.nextOffset
    }

    public var isAtEnd: Bool { remainingBytes == 0 }

    /// The same place in a slice that ends at `offset` at the latest. For `LogCache.bytes` only:
    /// `remainingBytes` stays what the whole slice has.
    public func limited(to offset: Int64) -> RecordCursor {
        var cursor = self
        cursor.endOffset = min(endOffset, offset)
        return cursor
    }
}
