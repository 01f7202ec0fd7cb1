import Bytes
import KafkaCore
import PubSubProtocol
import WebSocketProtocol

/// A reply whose frames are made while it is written: records as JSON, or compressed. It goes out
/// as a fragmented message, a frame for each chunk, so that nobody has to know its length at the
/// start and a client that stops costs one chunk.
final class ChunkedReply {
    enum Fill {
        case ready
        /// Records have to be read from Kafka again.
        case evicted
        /// What was promised does not exist any more.
        case broken
    }

    /// Plain bytes of a chunk. A client that stops in the middle keeps one in memory: 1,000 of
    /// them 16 MiB.
    static let chunkBytesMax = 16 << 10

    private(set) var cursor: RecordCursor
    private let prefix: [UInt8]
    private let suffix: [UInt8]
    private let format: MessageFormat
    private let windowBits: Int?
    /// Counted as unsent until the reply is done; its real size shows only while it is made.
    let promisedBytes: Int

    /// The frame under way.
    private var frame = ByteWriter()
    private var from = 0
    private var hasBegun = false
    private var hasRecords = false
    private(set) var isComplete = false

    init(
        _ slice: RecordSlice, prefix: [UInt8], suffix: [UInt8], format: MessageFormat,
        windowBits: Int?
    ) {
        cursor = RecordCursor(slice)
        self.prefix = prefix
        self.suffix = suffix
        self.format = format
        self.windowBits = windowBits
        promisedBytes = prefix.count + slice.byteCount + suffix.count
    }

    var isDone: Bool { isComplete && from == frame.count }

    /// What is left of the frame under way; empty: `fill` makes the next.
    var rest: UnsafeRawBufferPointer {
        frame.withBytes { UnsafeRawBufferPointer(rebasing: $0[from...]) }
    }

    /// Answers how many of `count` bytes were this reply's.
    func consume(_ count: Int) -> Int {
        let taken = min(count, frame.count - from)
        from += taken
        if from == frame.count {
            frame = ByteWriter()
            from = 0
        }
        return taken
    }

    /// Makes the next frame.
    func fill(_ workshop: Workshop) -> Fill {
        workshop.plain.removeAll()
        if !hasBegun { workshop.plain.bytes(prefix) }
        let outcome = format == .binary ? copy(workshop) : transcode(workshop)
        guard outcome == .ready else { return outcome }
        isComplete = cursor.isAtEnd
        if isComplete { workshop.plain.bytes(suffix) }
        seal(workshop)
        hasBegun = true
        return .ready
    }

    private func copy(_ workshop: Workshop) -> Fill {
        while workshop.plain.count < Self.chunkBytesMax, !cursor.isAtEnd {
            let room = Self.chunkBytesMax - workshop.plain.count
            guard let piece = workshop.cache.bytes(at: cursor, upTo: room) else {
                return endEarly(workshop)
            }
            guard piece.count > 0 else { return .broken }
            workshop.plain.bytes(piece)
            workshop.cache.advance(&cursor, by: piece.count)
        }
        return .ready
    }

    /// What was made until the cache had no more is a frame, unless it is nothing but the prefix.
    private func endEarly(_ workshop: Workshop) -> Fill {
        workshop.plain.count > (hasBegun ? 0 : prefix.count) ? .ready : .evicted
    }

    private func transcode(_ workshop: Workshop) -> Fill {
        while workshop.plain.count < Self.chunkBytesMax, !cursor.isAtEnd {
            guard let piece = workshop.cache.bytes(at: cursor, upTo: .max / 2) else {
                return endEarly(workshop)
            }
            guard piece.count > 0 else { return .broken }
            var place = 0
            do throws(BytesError) {
                while place < piece.count, workshop.plain.count < Self.chunkBytesMax {
                    place = try RecordTranscoder.write(
                        at: place, in: piece, first: !hasRecords, as: format,
                        into: &workshop.plain)
                    hasRecords = true
                }
            } catch { return .broken }
            workshop.cache.advance(&cursor, by: place)
        }
        return .ready
    }

    /// Frames the chunk, compressed if that was agreed. Chunks are compressed apart from each
    /// other: their concatenation is one deflate stream, of whose end the marker is dropped
    /// (RFC 7692 section 7.2.1).
    private func seal(_ workshop: Workshop) {
        let opcode: Opcode = hasBegun ? .continuation : format == .binary ? .binary : .text
        frame = ByteWriter()
        from = 0
        guard let windowBits else {
            FrameWriter.header(
                opcode, length: workshop.plain.count, isFinal: isComplete, into: &frame)
            workshop.plain.withBytes { frame.bytes($0) }
            return
        }
        workshop.deflate(windowBits: windowBits, keepsMarker: !isComplete)
        FrameWriter.header(
            opcode, length: workshop.packed.count, isFinal: isComplete, isCompressed: !hasBegun,
            into: &frame)
        workshop.packed.withBytes { frame.bytes($0) }
    }
}
