import Timing

/// What the sessions of a loop hold, and who waits until it is less.
struct MemoryLedger {
    let bytesMax: Int
    var heldBytes = 0
    /// Who owes the least goes on first.
    var waiting = DeadlineHeap<SessionID>()

    init(bytesMax: Int = .max) {
        self.bytesMax = bytesMax
        fullBytes = bytesMax / 2
    }

    private let fullBytes: Int

    /// Beyond a half nobody goes on who holds more than its share of a fifth. What a share is
    /// grows to twice its size before it is seen, and input that waits comes to it: all of them
    /// stay below the whole.
    var isFull: Bool { heldBytes > fullBytes }
    /// There is room again: a loop at the edge would else stop and start for every message.
    var hasRoom: Bool { heldBytes <= bytesMax / 8 * 3 }

    func share(of sessions: Int) -> Int { bytesMax / 5 / max(1, sessions) }
}

/// `limits.memory_bytes`: beyond it those wait who hold more than their share.
extension GatewayEngine {
    /// What everybody may hold, however full it is.
    static let shareBytesMin = 4 << 10

    /// Call it when the session's memory may have changed.
    @inline(__always)
    func account(_ session: Session) {
        let bytes = session.phase == .over ? 0 : session.memoryBytes
        memory.heldBytes += bytes - session.chargedBytes
        session.chargedBytes = bytes
    }

    /// `more`: what it is about to hold beside what it does.
    func owesTooMuch(_ session: Session, adding more: Int = 0) -> Bool {
        guard memory.isFull else { return false }
        let share = memory.share(of: sessions.count)
        return session.chargedBytes &+ more > max(Self.shareBytesMin, share)
    }

    func waitForMemory(_ session: Session) {
        guard !session.waitsForMemory else { return }
        session.waitsForMemory = true
        session.memoryWaitBegan = now
        memory.waiting.insert(
            session.id, at: Instant(nanoseconds: Int64(session.chargedBytes)))
        schedule(session)
    }

    var canServeMemoryWaiters: Bool { memory.waiting.count > 0 && memory.hasRoom }

    /// At least one a turn: those whose turns it is may use up every one.
    func serveMemoryWaiters() {
        while canServeMemoryWaiters,
            let (_, id) = memory.waiting.popFirst(notAfter: .distantFuture)
        {
            if let session = sessions[id], session.waitsForMemory {
                session.waitsForMemory = false
                spent &+= Work.command
                askPostponed(session)
                resumeReading(session)
            }
            if isTurnOver { break }
        }
    }
}
