import Bytes
import KafkaCore
import PubSubProtocol
import WebSocketProtocol

extension GatewayEngine {
    /// Records up to this size are copied into the reply: a place in a log costs more.
    static let copiedRecordsMax = 2048

    /// Records behind their head, as the session's format has them.
    func sendRecords(_ session: Session, _ head: BatchHead, _ slice: RecordSlice) {
        counts.recordsOut &+= UInt64(slice.recordCount)
        if session.format == .binary && session.deflate == nil {
            sendFrame(session, head, slice)
        } else {
            sendChunks(session, head, slice)
        }
        wantWrite(session)
    }

    private func sendFrame(_ session: Session, _ head: BatchHead, _ slice: RecordSlice) {
        counts.messagesOut &+= 1
        session.lastMessage = now
        var cursor = RecordCursor(slice)
        let size = head.size(recordBytes: slice.byteCount)
        let copies = slice.byteCount <= Self.copiedRecordsMax && !session.isBlocked
        addRaw(session) { out in
            FrameWriter.header(.binary, length: size + slice.byteCount, into: &out)
            head.write(recordBytes: slice.byteCount, into: &out)
            if copies { copy(&cursor, into: &out) }
        }
        session.output.addRecords(cursor)
    }

    /// Moves what the cache has; the cursor keeps the rest.
    private func copy(_ cursor: inout RecordCursor, into out: inout ByteWriter) {
        while !cursor.isAtEnd {
            guard let piece = workshop.cache.bytes(at: cursor, upTo: .max / 2), piece.count > 0
            else { return }
            out.bytes(piece)
            workshop.cache.advance(&cursor, by: piece.count)
        }
    }

    private func sendChunks(_ session: Session, _ head: BatchHead, _ slice: RecordSlice) {
        counts.messagesOut &+= 1
        session.lastMessage = now
        let format = session.format
        var prefix = ByteWriter()
        var suffix = ByteWriter()
        if format == .binary {
            head.write(recordBytes: slice.byteCount, into: &prefix)
        } else {
            head.writeJSONStart(as: format, hasRecords: true, into: &prefix)
            head.writeJSONEnd(as: format, hasRecords: true, into: &suffix)
        }
        session.output.addChunked(
            ChunkedReply(
                slice, prefix: prefix.array, suffix: suffix.array, format: format,
                windowBits: session.deflate?.serverWindowBits))
    }

    /// A reply without records, offsets only, into `workshop.plain`.
    func writeEmptyBatch(_ format: MessageFormat, _ head: BatchHead) {
        workshop.plain.removeAll()
        if format == .binary {
            head.write(recordBytes: 0, into: &workshop.plain)
        } else {
            head.writeJSONStart(as: format, hasRecords: false, into: &workshop.plain)
            head.writeJSONEnd(as: format, hasRecords: false, into: &workshop.plain)
        }
    }
}
