import Bytes
import Glibc
import Timing

extension GatewayEngine {
    /// Offers what waits to be sent. `write` gets at most `iovecsMax` buffers, answers how many
    /// bytes the socket took (0: none) or a negative number if it failed, and may be called several
    /// times. Buffers are valid during the call.
    /// `upTo` bytes at most, about: what is left waits until the others had theirs.
    public func writeOutput(
        _ id: SessionID, upTo budget: Int = GatewayEngine.turnBytesMax, now: Instant,
        _ write: (UnsafeBufferPointer<iovec>) -> Int
    ) -> OutputState {
        self.now = now
        guard let session = sessions[id] else { return .closed }
        session.isWriteWanted = false
        session.isBlocked = false
        let state = drain(session, budget, write)
        if session.phase == .over { return .closed }
        if session.rereadTurn != nil, session.reread == nil { endRereadTurn(session) }
        leaveArena(session, spills: true)
        if state == .blocked {
            session.isBlocked = true
            session.blockedSince = session.blockedSince ?? now
        } else {
            session.blockedSince = nil
        }
        if session.chargedBytes != 0 || !session.output.isEmpty { account(session) }
        if session.output.isEmpty { drained(session) } else { schedule(session) }
        if session.desk?.postponed.isEmpty == false { askPostponed(session) }
        return session.phase == .over ? .closed : state
    }

    private func drain(
        _ session: Session, _ budget: Int, _ write: (UnsafeBufferPointer<iovec>) -> Int
    ) -> OutputState {
        var budget = budget
        while !session.output.isEmpty {
            let madeBefore = workshop.madeBytes
            let (count, offered) = gather(session, upTo: budget)
            guard count > 0 else { return starved(session) }
            let taken = iovecs.withUnsafeBufferPointer {
                write(UnsafeBufferPointer(rebasing: $0[..<count]))
            }
            guard taken >= 0 else {
                end(session, lingers: false)
                return .closed
            }
            let made = Int(workshop.madeBytes &- madeBefore)
            let work = Work.sent(taken) &+ made &* Work.packedByte
            spent &+= work
            session.turnAccount.wrote(work)
            guard taken > 0 else { return .blocked }
            wrote(session, min(taken, offered))
            if taken < offered { return .blocked }
            // A megabyte that is left of thirty is the work of thirty.
            budget -= max(taken, made)
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

    /// Everything was written.
    private func drained(_ session: Session) {
        switch session.phase {
        case .refusing: end(session, lingers: true)
        case .closing where session.endsWhenDrained || session.hasEnded:
            end(session, lingers: true)
        case .open:
            if session.pumpsWhenDrained {
                session.pumpsWhenDrained = false
                pump(session)
            }
            resumeReading(session)
        default: break
        }
    }

    func leaveArena(_ session: Session, spills: Bool) {
        guard session.usesArena else { return }
        session.usesArena = false
        if spills { session.output.spill(arena) }
        arenaUsers -= 1
        guard arenaUsers == 0 else { return }
        commonPush = CommonPush()
        if arena.allocatedBytes > Self.arenaBytesMax {
            arena = ByteWriter(capacity: Self.arenaBytesKept)
        } else {
            arena.removeAll()
        }
    }
}
