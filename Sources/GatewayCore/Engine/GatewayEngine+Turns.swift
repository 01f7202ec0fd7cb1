import WebSocketProtocol

/// A turn of the loop does a bounded piece of work, however much its sessions ask for: who asks for
/// more than its share waits, and is not read from meanwhile.
extension GatewayEngine {
    /// The driver is about to look at its sockets again.
    public func beginTurn() {
        let work = spent &- turns.began
        if work > counts.turnWorkMax { counts.turnWorkMax = Int64(work) }
        turns.began = spent
    }

    /// Writing has a budget of its own, as large as that of what was done before. What was done
    /// beyond that, for a message that cannot be stopped, is taken from it, but for a quarter.
    public func beginWriting() {
        let over = spent &- turns.began &- Work.turn
        beginTurn()
        turns.began = spent &- min(max(over, 0), Work.turn * 3 / 4)
    }

    /// What is received of one session, of so many that have something in this turn. While others
    /// wait for their turns it has no use for much at a time, and while memory is short it gets
    /// room for less.
    public func receiveBytesMax(ready count: Int) -> Int {
        if memory.isFull { return Self.shareBytesMin }
        let most = turns.isEmpty ? Self.receivedBytesMax : Self.heldInputBytesMax
        return min(most, max(Self.receivedBytesMax / max(1, count), Self.shareBytesMin))
    }

    /// Of all in one turn, if each gets more than the least.
    static let receivedBytesMax = 1 << 20
    static let heldInputBytesMax = 16 << 10

    /// Frames that have just come.
    @inline(__always)
    func takeFrames(_ session: Session, _ bytes: UnsafeMutableRawBufferPointer) {
        guard !session.isHeld else { return hold(session, bytes) }
        guard turns.isEmpty, !isTurnOver, session.turnAccount.expected < Work.heavy else {
            hold(session, bytes)
            return waitForTurn(session)
        }
        var input = MutableInput(bytes)
        consume(session, &input, until: turns.began &+ Work.turn)
        if session.isHeld, !input.isAtEnd { hold(session, input.rest) }
    }

    /// Who goes first where many are ready: the binary logarithm of what the session's next turn
    /// may cost, so that equal ones keep their order.
    public func rank(of id: SessionID) -> UInt8 {
        guard let session = sessions[id] else { return 0 }
        return UInt8(Int.bitWidth - session.turnAccount.need.leadingZeroBitCount)
    }

    /// This turn has done its work.
    public var isTurnOver: Bool { spent &- turns.began >= Work.turn }

    /// It has input that was not looked at, or is to be told of all topics.
    func waitForTurn(_ session: Session) {
        guard !session.waitsForTurn else { return }
        if !session.isHeld {
            effects.append(.pauseReading(session.id))
        }
        session.waitsForTurn = true
        turns.append(session.id, &session.turnAccount)
    }

    /// One slice for each session, until the turn has done its work. What came with the sockets may
    /// have been all of that: those that wait get a half as much at least.
    func serveTurns() {
        let end = max(turns.began &+ Work.turn, spent &+ Work.turn / 2)
        var room = Int.max
        while room > 0, let id = turns.next(room: room) {
            let before = spent
            if let session = sessions[id], session.waitsForTurn { serveTurn(session) }
            turns.count(spent &- before)
            room = end &- spent
        }
        turns.forgive()
    }

    private func serveTurn(_ session: Session) {
        session.waitsForTurn = false
        if tellNext(session) {
            return needsTurn(session) ? waitForTurn(session) : readOn(session)
        }
        // It was stopped for another reason meanwhile, and comes back when that is over.
        guard !session.isReadingPaused else { return }
        if let held = session.heldInput {
            var input = MutableInput(held.rest)
            consume(session, &input, until: spent &+ Work.slice)
            held.position += input.position
            if input.isAtEnd, session.heldInput === held { session.heldInput = nil }
        }
        readOn(session)
    }

    private func needsTurn(_ session: Session) -> Bool {
        session.desk?.described.isEmpty == false
            || session.heldInput != nil && !session.isReadingPaused
    }

    /// Sends one long reply, if one waits for that.
    private func tellNext(_ session: Session) -> Bool {
        guard let desk = session.desk, !desk.described.isEmpty else { return false }
        let before = spent
        tellDescribed(session, desk)
        // The reply was made for another one, perhaps; it is long, all the same.
        session.turnAccount.add(max(spent &- before, Work.little))
        return true
    }

    /// Nothing keeps the driver from reading any more.
    func readOn(_ session: Session) {
        guard !session.isHeld, session.phase != .over else { return }
        effects.append(.resumeReading(session.id))
        schedule(session)
    }

    /// Keeps bytes that came while nothing is read.
    private func hold(_ session: Session, _ bytes: UnsafeMutableRawBufferPointer) {
        // Else whoever may not go on, and is given back to the queue again and again, would seem
        // to need nothing. That it has to wait is not its fault.
        session.turnAccount.received(Work.received(bytes.count))
        spent &+= Work.received(bytes.count) &+ Work.pause
        defer { account(session) }
        guard let held = session.heldInput else {
            session.heldInput = HeldInput(bytes)
            return
        }
        var joined = [UInt8](held.rest) + bytes
        joined.withUnsafeMutableBytes { session.heldInput = HeldInput($0) }
    }
}
