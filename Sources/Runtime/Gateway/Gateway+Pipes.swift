// Sessions whose connection stays the host's.
extension Gateway {
    /// The host owns the socket, and TLS.
    public func openBytes(_ opening: ClientOpening) throws(Failure) -> UInt64 {
        try openPipe(.bytes, opening)
    }

    /// The host owns WebSocket too.
    public func openMessages(_ opening: ClientOpening) throws(Failure) -> UInt64 {
        guard opening.requestHead == nil, opening.websocketKey == nil,
            opening.websocketExtensions == nil
        else {
            throw Failure(
                .invalid,
                "a messages session has no request_head, websocket_key or websocket_extensions")
        }
        return try openPipe(.messages, opening)
    }

    private func openPipe(_ kind: HostPipe.Kind, _ opening: ClientOpening) throws(Failure) -> UInt64 {
        try Self.mustServe(state.withLock { $0.phase })
        guard opening.queue != nil else { throw Failure(.invalid, "open has no queue") }
        try mustOwn(opening.queue)
        guard !opening.duplicates && !opening.borrows else {
            throw Failure(.invalid, "flags speak of a descriptor, and there is none")
        }
        let start = try opening.sessionOpening(peer: nil)
        try mustRoute(opening)
        guard let loop = nextLoop() else { throw Failure(.state, "the gateway is stopped") }
        let id = loop.nextSessionID().raw
        let pipe = HostPipe(kind, of: id, loop: loop)
        let session = HostSession(
            id: id, queue: opening.queue, userData: opening.userData,
            tellsClosed: opening.tellsClosed, pipe: pipe)
        let transit = SessionInTransit(session, directory)
        let isPosted = loop.post { if transit.take() { $0.open(session, pipe, start) } }
        guard isPosted else {
            _ = transit.take()
            directory.remove(session)
            throw Failure(.state, "the gateway is stopped")
        }
        return id
    }

    // MARK: Input

    /// Bytes of the client; none: its end of stream. True: wait for the `resume` event.
    public func feed(session id: UInt64, _ bytes: UnsafeRawBufferPointer) throws(Failure) -> Bool {
        let (session, pipe) = try pipe(id, .bytes)
        let fed = try pipe.feed(bytes)
        if fed.rings { pipe.ring() }
        if let event = fed.closed { end(session, event) }
        return fed.pauses
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
