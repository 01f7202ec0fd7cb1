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
    /// Compressed chunks end where an offset is a multiple of this: some 15 KiB of records of a
    /// hundred bytes.
    static let gridRecords: Int64 = 128
    /// Smaller chunks grow when they are compressed.
    static let packedBytesMin = 64

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
        let start = cursor
        let outcome = format == .binary ? copy(workshop) : transcode(workshop)
        guard outcome == .ready else { return outcome }
        workshop.countChunk()
        isComplete = cursor.isAtEnd
        if let windowBits {
            pack(workshop, at: start, windowBits: windowBits)
        } else {
            seal(workshop)
        }
        hasBegun = true
        return .ready
    }

    /// Up to a chunk's size, and not beyond the next offset of the grid: readers that began at
    /// different offsets then have the same chunks from there on, compressed once for all.
    private func copy(_ workshop: Workshop) -> Fill {
        let end = windowBits == nil ? .max : Self.nextOnGrid(cursor.offset)
        while workshop.plain.count < Self.chunkBytesMax, !cursor.isAtEnd, cursor.offset < end {
            let room = Self.chunkBytesMax - workshop.plain.count
            let limited = cursor.limited(to: end)
            var found = workshop.cache.bytes(at: limited, upTo: room)
            if found?.isEmpty ?? true {
                // Nothing to be seen up to there, or not in the cache.
                if workshop.plain.count > 0 { return .ready }
                found = workshop.cache.bytes(at: cursor, upTo: room)
            }
            guard let piece = found else { return endEarly(workshop) }
            guard piece.count > 0 else { return .broken }
            workshop.plain.bytes(piece)
            workshop.cache.advance(&cursor, by: piece.count)
        }
        return .ready
    }

    private static func nextOnGrid(_ offset: Int64) -> Int64 {
        let (next, overflow) = (offset | (gridRecords - 1)).addingReportingOverflow(1)
        return overflow ? .max : next
    }

    /// What was made until the cache had no more is a frame, unless it is nothing.
    private func endEarly(_ workshop: Workshop) -> Fill {
        workshop.plain.count > 0 ? .ready : .evicted
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

    // MARK: Frames

    private var opcode: Opcode {
        hasBegun ? .continuation : format == .binary ? .binary : .text
    }

    private func seal(_ workshop: Workshop) {
        frame = ByteWriter()
        from = 0
        let head = hasBegun ? 0 : prefix.count
        let tail = isComplete ? suffix.count : 0
        FrameWriter.header(
            opcode, length: head + workshop.plain.count + tail, isFinal: isComplete, into: &frame)
        if !hasBegun { frame.bytes(prefix) }
        workshop.plain.withBytes { frame.bytes($0) }
        if isComplete { frame.bytes(suffix) }
    }

    /// The session's own bytes are stored blocks around chunks that are everybody's: together one
    /// DEFLATE stream, of whose end the marker is dropped (RFC 7692 section 7.2.1).
    private func pack(_ workshop: Workshop, at start: RecordCursor, windowBits: Int) {
        workshop.packed.removeAll()
        if !hasBegun { prefix.withUnsafeBytes { StoredBlock.write($0, into: &workshop.packed) } }
        if workshop.plain.count >= Self.packedBytesMin {
            workshop.deflateChunk(at: start, windowBits: windowBits)
        } else {
            workshop.plain.withBytes { StoredBlock.write($0, into: &workshop.packed) }
        }
        if isComplete {
            suffix.withUnsafeBytes { StoredBlock.write($0, into: &workshop.packed) }
            StoredBlock.writeEnd(into: &workshop.packed)
        }
        frame = ByteWriter()
        from = 0
        FrameWriter.header(
            opcode, length: workshop.packed.count, isFinal: isComplete, isCompressed: !hasBegun,
            into: &frame)
        workshop.packed.withBytes { frame.bytes($0) }
    }
}
