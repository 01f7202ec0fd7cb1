import Bytes
import KafkaCore
import PubSubProtocol
import WebSocketProtocol

extension GatewayEngine {
    /// Records up to this size are copied into the reply: a place in a log costs more.
    static let copiedRecordsMax = 2048

    /// Records behind their head, as the session's format has them.
    func sendRecords(_ session: Session, _ head: BatchHead, _ slice: RecordSlice) {
        _ = sendBatch(session, head, slice)
    }

    /// Answers what is behind a frame and was not copied; nil: it is no frame yet.
    private func sendBatch(
        _ session: Session, _ head: BatchHead, _ slice: RecordSlice
    ) -> RecordCursor? {
        counts.recordsOut &+= UInt64(slice.recordCount)
        defer { wantWrite(session) }
        if session.format == .binary && session.deflate == nil {
            return sendFrame(session, head, slice)
        }
        sendChunks(session, head, slice)
        return nil
    }

    /// The push of a subscription. The frame is the same for all that have its sequence.
    func sendPush(
        _ session: Session, _ sequence: Int64, _ followed: FollowedPartition,
        _ records: FollowedRecords
    ) {
        let isPlain = session.format == .binary && session.deflate == nil
        guard isPlain, commonPush.isFrame(of: records, sequence) else {
            let start = arena.count
            let rest = sendBatch(
                session, BatchHead(push: records.slice, sequence, followed), records.slice)
            // It may have had no room in the arena.
            guard isPlain, let rest, arena.count > start else { return }
            return commonPush.keep(
                records, sequence, start: start, count: arena.count - start, rest: rest)
        }
        counts.recordsOut &+= UInt64(records.slice.recordCount)
        counts.messagesOut &+= 1
        session.lastMessage = now
        spent &+= commonPush.count
        addArena(session, start: commonPush.start, count: commonPush.count)
        if let rest = commonPush.rest { session.output.addRecords(rest) }
        wantWrite(session)
    }

    /// Answers what of the records is behind the head and was not copied.
    private func sendFrame(
        _ session: Session, _ head: BatchHead, _ slice: RecordSlice
    ) -> RecordCursor {
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
        return cursor
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

extension BatchHead {
    fileprivate init(push slice: RecordSlice, _ sequence: Int64, _ followed: FollowedPartition) {
        self.init(
            sequence: sequence,
            kind: .push(topic: followed.topic, partition: followed.partition),
            nextOffset: slice.nextOffset, highWatermark: slice.position.highWatermark,
            logStartOffset: slice.position.logStartOffset,
            lastStableOffset: slice.position.lastStableOffset)
    }
}
