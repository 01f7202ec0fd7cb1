import KafkaCore

extension GatewayEngine {
    /// Fills `iovecs`. Answers how many, and their bytes.
    func gather(_ session: Session, upTo limit: Int) -> (count: Int, bytes: Int) {
        var offer = Offer(limit: limit)
        let base = arena.withBytes { $0.baseAddress }
        for item in session.output.items[session.output.first...] {
            guard offer.hasRoom else { break }
            switch item {
            case .arena(let start, let count):
                let place = base.map { $0 + start }
                offer.add(UnsafeRawBufferPointer(start: place, count: count), &iovecs)
            case .owned(let owned): offer.add(owned.rest, &iovecs)
            case .shared(let shared, let from): offer.add(shared.rest(from: from), &iovecs)
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
}
