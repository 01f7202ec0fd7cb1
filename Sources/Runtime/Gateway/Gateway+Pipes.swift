import WebSocketProtocol

// Sessions whose connection stays the host's.
extension Gateway {
    /// `told` gets the session's number before there can be an event of it.
    public func openPipe(
        _ kind: HostPipe.Kind, _ opening: ClientOpening, told: (UInt64) -> Void
    ) throws(Failure) {
        try mustAdmit()
        guard opening.queue != nil else { throw Failure(.invalid, "open has no queue") }
        try mustOwn(opening.queue)
        guard !opening.duplicates && !opening.borrows else {
            throw Failure(.invalid, "flags speak of a descriptor, and there is none")
        }
        var start =
            kind == .messages
            ? try opening.messagesOpening() : try opening.sessionOpening(peer: nil)
        start.speaksMessages = kind == .messages
        try mustRoute(opening)
        guard let loop = nextLoop() else { throw Self.stopped }
        let id = loop.nextSessionID().raw
        let pipe = HostPipe(kind, of: id, loop: loop)
        let session = HostSession(
            id: id, queue: opening.queue, userData: opening.userData,
            tellsClosed: opening.tellsClosed, tellsByReturn: opening.tellsByReturn, pipe: pipe)
        let transit = SessionInTransit(session, directory)
        told(id)
        let isPosted = loop.post { [start] in
            if transit.take() { $0.open(session, pipe, start) }
        }
        guard isPosted else {
            _ = transit.take()
            directory.remove(session)
            told(0)
            throw Self.stopped
        }
    }

    // MARK: Input

    /// What a session's host is to do next.
    public struct Taken: Sendable {
        /// Wait for the `resume` event.
        public var pauses = false
        /// Look for output, or for events: nothing else tells that they are there.
        public var hasOutput = false
    }

    /// Bytes of the client; none: its end of stream.
    public func feed(
        session id: UInt64, _ bytes: UnsafeRawBufferPointer
    ) throws(Failure) -> Taken {
        let (session, pipe) = try pipe(id, .bytes)
        let fed = try pipe.feed(bytes)
        let attended = fed.rings ? pipe.attend(fed) : Attended()
        if let event = fed.closed { end(session, event) }
        return Taken(pauses: fed.pauses, hasOutput: attended.hasOutput)
    }

    /// A whole message of the client: text, binary; or close: it has closed its WebSocket, with a
    /// code and a reason, or, without bytes, is gone.
    public func message(
        session id: UInt64, opcode: Int32, _ bytes: UnsafeRawBufferPointer
    ) throws(Failure) -> Taken {
        guard let kind = UInt8(exactly: opcode).flatMap(Opcode.init(rawValue:)),
            [.text, .binary, .close].contains(kind)
        else { throw Failure(.invalid, "opcode \(opcode) is neither 1, 2 nor 8") }
        guard kind != .close || bytes.count != 1 else {
            throw Failure(.invalid, "a close has a code of 2 bytes, or no bytes at all")
        }
        let (_, pipe) = try pipe(id, .messages)
        let fed = try pipe.feed(bytes, opcode: kind)
        let attended = fed.rings ? pipe.attend(fed) : Attended()
        return Taken(pauses: fed.pauses, hasOutput: attended.hasOutput)
    }

    private func pipe(
        _ id: UInt64, _ kind: HostPipe.Kind
    ) throws(Failure) -> (HostSession, HostPipe) {
        let session = try session(id)
        guard let pipe = session.pipe, pipe.kind == kind else {
            throw Failure(.invalid, "session \(id) is no \(kind) session")
        }
        return (session, pipe)
    }

    // MARK: Output

    /// Hands out what waits to be sent, in at most `max` pieces; how many. They are valid until
    /// they are consumed.
    public func output(
        session id: UInt64, max: Int, _ body: (Int, UnsafeRawBufferPointer) -> Void
    ) throws(Failure) -> Int {
        try pipe(id, .bytes).1.output(max: max, body)
    }

    /// So many bytes were sent. True: more wait.
    public func consume(session id: UInt64, _ count: Int) throws(Failure) -> Bool {
        let (session, pipe) = try pipe(id, .bytes)
        let consumed = try pipe.consume(count)
        if consumed.rings { pipe.ring() }
        if let event = consumed.closed { end(session, event) }
        return consumed.hasMore
    }

    /// The last bytes of a session that was over have left, or will not.
    func end(_ session: HostSession, _ event: QueueEvent) {
        directory.end(session, event)
        loop(of: session.id)?.post { $0.finished(session) }
    }
}
