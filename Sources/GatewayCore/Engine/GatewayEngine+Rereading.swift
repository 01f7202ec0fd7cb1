import Bytes
import KafkaCore
import Timing
import WebSocketProtocol

extension GatewayEngine {
    /// Records that are read again at a time: more would push itself out of a small cache.
    static let rereadBytesMax = 256 << 10
    /// How long records are waited for that were there: a leader that was just elected may tell of
    /// fewer at first (KIP-207).
    static let rereadMilliseconds: Int64 = 10_000
    /// Times that evicted records are read again without anything written in between.
    static let rereadsMax = 8

    /// Output waits, and there is nothing to offer: its records are not in the cache any more.
    func starved(_ session: Session) -> OutputState {
        guard session.reread == nil, let seat = session.service?.seat else { return .drained }
        let cursor: RecordCursor
        switch session.output.front {
        case .records(let front): cursor = front
        case .chunked(let reply): cursor = reply.cursor
        default: return .drained
        }
        let isThere = workshop.cache.bytes(at: cursor, upTo: 1)
        session.rereads += 1
        guard isThere?.isEmpty ?? true, isThere == nil, session.rereads <= Self.rereadsMax else {
            broken(session, "records of a reply under way are gone")
            return .closed
        }
        guard takeTurn(session, cursor.log) else {
            session.rereads -= 1
            return .drained
        }
        let token = ReadToken(raw: nextNumber())
        reads[token] = .reread(session, cursor.log)
        var request = ReadRequest(
            topic: cursor.log.topic, partition: cursor.log.partition, offset: cursor.offset,
            maxBytes: min(cursor.remainingBytes, Self.rereadBytesMax) + cursor.skipBytes,
            isolation: cursor.isolation,
            waitUntil: now.adding(milliseconds: Self.rereadMilliseconds))
        request.takesPart = true
        session.reread = token
        call(seat) { $0.read(token, request, now: now, &$1) }
        return session.phase == .over ? .closed : .drained
    }

    func reread(_ session: Session, _ log: PartitionLog, _ outcome: ReadOutcome) {
        session.reread = nil
        guard session.phase != .over else { return }
        switch outcome {
        case .records(let slice) where slice.log === log:
            keep(session)
            wantWrite(session)
        case .records, .empty: broken(session, "records of a reply under way are gone")
        case .failed(let failure):
            broken(session, "records of a reply under way: \(failure.cause)")
        }
    }

    /// Whether it may read again now; else it is told when it may.
    private func takeTurn(_ session: Session, _ log: PartitionLog) -> Bool {
        guard session.rereadTurn == nil else { return true }
        guard !session.waitsForReread else { return false }
        guard rereads.begin(log, session.id) else {
            session.waitsForReread = true
            return false
        }
        session.rereadTurn = log
        return true
    }

    /// What it has read was written, or it needs nothing any more: the next one has its turn, who
    /// looks for itself whether its records are there by now.
    func endRereadTurn(_ session: Session) {
        guard let log = session.rereadTurn else { return }
        session.rereadTurn = nil
        rereads.end(log)
        while let id = rereads.next(log) {
            guard let next = sessions[id] else { continue }
            next.waitsForReread = false
            // Who is blocked comes again when its socket takes something.
            guard !next.isBlocked, rereads.begin(log, id) else { continue }
            next.rereadTurn = log
            return wantWrite(next)
        }
    }

    /// Of what was read again a piece is copied at once: in a small cache other reads would push it
    /// out before its turn to be written comes, again and again.
    private func keep(_ session: Session) {
        switch session.output.front {
        case .records(var cursor):
            var kept = ByteWriter()
            while kept.count < ChunkedReply.chunkBytesMax, !cursor.isAtEnd,
                let piece = workshop.cache.bytes(
                    at: cursor, upTo: ChunkedReply.chunkBytesMax - kept.count),
                piece.count > 0
            {
                kept.bytes(piece)
                workshop.cache.advance(&cursor, by: piece.count)
            }
            kept.withBytes { session.output.keepFront($0, rest: cursor) }
            account(session)
        case .chunked(let reply) where reply.rest.isEmpty: _ = reply.fill(workshop)
        default: break
        }
    }

    /// In the middle of a frame there is no place for a Close frame: the promise is broken.
    private func broken(_ session: Session, _ cause: String) {
        log(.warning, session, cause)
        session.closeCode = CloseCode.internalError.rawValue
        session.closeReason = cause
        end(session, lingers: false)
    }
}
