import Bytes
import Glibc
import KafkaCore
import PubSubProtocol
import Timing
import WebSocketProtocol

extension GatewayEngine {
    /// From this size on a message is compressed where that was agreed; smaller ones grow.
    static let compressedBytesMin = 256
    /// Records up to this size are copied into the reply: a place in a log costs more.
    static let copiedRecordsMax = 2048
    /// Records that are read again at a time: more would push itself out of a small cache.
    static let rereadBytesMax = 256 << 10
    /// Times that evicted records are read again without anything written in between.
    static let rereadsMax = 8

    // MARK: Adding

    /// A whole reply.
    func sendReply(_ session: Session, _ sequence: Int64, _ reply: Reply) {
        workshop.plain.removeAll()
        reply.write(sequence: sequence, as: session.format, into: &workshop.plain)
        sendPlain(session)
    }

    /// The message in `workshop.plain`.
    func sendPlain(_ session: Session) {
        let opcode: Opcode = session.format == .binary ? .binary : .text
        counts.messagesOut &+= 1
        session.lastMessage = now
        if let deflate = session.deflate, workshop.plain.count >= Self.compressedBytesMin {
            workshop.deflate(windowBits: deflate.serverWindowBits)
            addRaw(session) { out in
                FrameWriter.header(
                    opcode, length: workshop.packed.count, isCompressed: true, into: &out)
                workshop.packed.withBytes { out.bytes($0) }
            }
        } else {
            addRaw(session) { out in
                workshop.plain.withBytes { FrameWriter.frame(opcode, $0, into: &out) }
            }
        }
    }

    /// Bytes as they are. They go to the arena, unless the socket is full and nobody would take
    /// them from there in this turn.
    @inline(__always)
    func addRaw(_ session: Session, _ write: (inout ByteWriter) -> Void) {
        let start = arena.count
        write(&arena)
        let count = arena.count - start
        guard count > 0 else { return }
        if session.isBlocked || start > Self.arenaBytesMax {
            arena.withBytes { bytes in
                session.output.addOwned(UnsafeRawBufferPointer(rebasing: bytes[start...]))
            }
            arena.truncate(to: start)
        } else {
            session.output.addArena(start: start, count: count)
            if !session.usesArena {
                session.usesArena = true
                arenaUsers += 1
            }
        }
        wantWrite(session)
    }

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

    /// A reply without records: offsets only.
    func sendEmptyBatch(_ session: Session, _ head: BatchHead) {
        writeEmptyBatch(session.format, head)
        sendPlain(session)
    }

    func writeEmptyBatch(_ format: MessageFormat, _ head: BatchHead) {
        workshop.plain.removeAll()
        if format == .binary {
            head.write(recordBytes: 0, into: &workshop.plain)
        } else {
            head.writeJSONStart(as: format, hasRecords: false, into: &workshop.plain)
            head.writeJSONEnd(as: format, hasRecords: false, into: &workshop.plain)
        }
    }

    func wantWrite(_ session: Session) {
        guard !session.isWriteWanted, !session.isBlocked else { return }
        session.isWriteWanted = true
        effects.append(.wantsWrite(session.id))
    }

    // MARK: Writing

    /// Offers what waits to be sent. `write` gets at most `iovecsMax` buffers, answers how many
    /// bytes the socket took (0: none) or a negative number if it failed, and may be called several
    /// times. Buffers are valid during the call.
    public func writeOutput(
        _ id: SessionID, now: Instant, _ write: (UnsafeBufferPointer<iovec>) -> Int
    ) -> OutputState {
        self.now = now
        guard let session = sessions[id] else { return .closed }
        session.isWriteWanted = false
        session.isBlocked = false
        let state = drain(session, write)
        if session.phase == .over { return .closed }
        leaveArena(session, spills: true)
        if state == .blocked {
            session.isBlocked = true
            session.blockedSince = session.blockedSince ?? now
        } else {
            session.blockedSince = nil
        }
        if session.output.isEmpty { drained(session) } else { schedule(session) }
        return session.phase == .over ? .closed : state
    }

    private func drain(
        _ session: Session, _ write: (UnsafeBufferPointer<iovec>) -> Int
    ) -> OutputState {
        var budget = Self.turnBytesMax
        while !session.output.isEmpty {
            let (count, offered) = gather(session, upTo: budget)
            guard count > 0 else { return starved(session) }
            let taken = iovecs.withUnsafeBufferPointer {
                write(UnsafeBufferPointer(rebasing: $0[..<count]))
            }
            guard taken >= 0 else {
                end(session, lingers: false)
                return .closed
            }
            guard taken > 0 else { return .blocked }
            wrote(session, min(taken, offered))
            if taken < offered { return .blocked }
            budget -= taken
            if budget <= 0, !session.output.isEmpty { return .more }
        }
        return .drained
    }

    private func wrote(_ session: Session, _ count: Int) {
        session.output.consume(count, workshop.cache)
        session.bytesOut += Int64(count)
        counts.bytesOut &+= UInt64(count)
        session.blockedSince = session.blockedSince == nil ? nil : now
        session.rereads = 0
        // A peer that reads gets to the end of its closing handshake.
        if session.phase == .closing, !session.output.isEmpty {
            session.endsAt = now.adding(milliseconds: Self.closeMilliseconds)
        }
    }

    /// Fills `iovecs`. Answers how many, and their bytes.
    private func gather(_ session: Session, upTo limit: Int) -> (count: Int, bytes: Int) {
        var offer = Offer(limit: limit)
        let base = arena.withBytes { $0.baseAddress }
        for item in session.output.items[session.output.first...] {
            guard offer.hasRoom else { break }
            switch item {
            case .arena(let start, let count):
                let place = base.map { $0 + start }
                offer.add(UnsafeRawBufferPointer(start: place, count: count), &iovecs)
            case .owned(let owned): offer.add(owned.rest, &iovecs)
            case .records(let cursor):
                guard gather(cursor, &offer) else { return (offer.count, offer.bytes) }
            case .chunked(let reply):
                guard gather(reply, &offer) else { return (offer.count, offer.bytes) }
            }
        }
        if offer.hasRoom, session.output.tailCount > 0 {
            let start = base.map { $0 + session.output.tailStart }
            offer.add(
                UnsafeRawBufferPointer(start: start, count: session.output.tailCount), &iovecs)
        }
        return (offer.count, offer.bytes)
    }

    /// False: nothing behind the item may be offered.
    private func gather(_ cursor: RecordCursor, _ offer: inout Offer) -> Bool {
        var cursor = cursor
        while !cursor.isAtEnd, offer.hasRoom {
            guard let piece = workshop.cache.bytes(at: cursor, upTo: offer.left), piece.count > 0
            else { return false }
            offer.add(piece, &iovecs)
            // Nobody asks where the cursor would stand behind the last piece.
            if piece.count == cursor.remainingBytes { return true }
            workshop.cache.advance(&cursor, by: piece.count)
        }
        return cursor.isAtEnd
    }

    private func gather(_ reply: ChunkedReply, _ offer: inout Offer) -> Bool {
        if reply.rest.isEmpty {
            guard reply.fill(workshop) == .ready else { return false }
        }
        offer.add(reply.rest, &iovecs)
        return reply.isComplete
    }

    // MARK: Evicted records

    /// Output waits, and there is nothing to offer: its records are not in the cache any more.
    private func starved(_ session: Session) -> OutputState {
        guard session.reread == nil else { return .drained }
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
        let token = ReadToken(raw: nextNumber())
        reads[token] = .reread(session, cursor.log)
        let request = ReadRequest(
            topic: cursor.log.topic, partition: cursor.log.partition, offset: cursor.offset,
            maxBytes: min(cursor.remainingBytes, Self.rereadBytesMax) + cursor.skipBytes,
            isolation: cursor.isolation)
        guard let seat = session.service?.seat else { return .drained }
        session.reread = token
        call(seat) { $0.read(token, request, now: now, &$1) }
        return session.phase == .over ? .closed : .drained
    }

    func reread(_ session: Session, _ log: PartitionLog, _ outcome: ReadOutcome) {
        session.reread = nil
        guard session.phase != .over else { return }
        switch outcome {
        case .records(let slice) where slice.log === log: wantWrite(session)
        case .records, .empty: broken(session, "records of a reply under way are gone")
        case .failed(let failure):
            broken(session, "records of a reply under way: \(failure.cause)")
        }
    }

    /// In the middle of a frame there is no place for a Close frame: the promise is broken.
    private func broken(_ session: Session, _ cause: String) {
        log(.warning, session, cause)
        session.closeCode = 1011
        session.closeReason = cause
        end(session, lingers: false)
    }

    // MARK: The arena

    func leaveArena(_ session: Session, spills: Bool) {
        guard session.usesArena else { return }
        session.usesArena = false
        if spills { session.output.spill(arena) }
        arenaUsers -= 1
        guard arenaUsers == 0 else { return }
        if arena.allocatedBytes > Self.arenaBytesMax {
            arena = ByteWriter(capacity: Self.arenaBytesKept)
        } else {
            arena.removeAll()
        }
    }

    /// Everything was written.
    private func drained(_ session: Session) {
        switch session.phase {
        case .refusing: end(session, lingers: true)
        case .closing where session.endsWhenDrained || session.hasEnded:
            end(session, lingers: true)
        case .open:
            pump(session)
            resumeReading(session)
        default: break
        }
    }
}

/// Buffers for one write.
private struct Offer {
    let limit: Int
    var count = 0
    var bytes = 0

    init(limit: Int) { self.limit = limit }

    var left: Int { limit - bytes }
    var hasRoom: Bool { count < GatewayEngine.iovecsMax && bytes < limit }

    mutating func add(_ piece: UnsafeRawBufferPointer, _ iovecs: inout [iovec]) {
        guard piece.count > 0, hasRoom else { return }
        let base = UnsafeMutableRawPointer(mutating: piece.baseAddress)
        iovecs[count] = iovec(iov_base: base, iov_len: piece.count)
        count += 1
        bytes += piece.count
    }
}
