import CShims
import EventLoop
import GatewayCore

// The three doors: queues, sockets handed over, and listeners.
extension Gateway {
    public func makeQueue(takesLog: Bool) throws(Failure) -> EventQueue {
        try state.withLock { state throws(Failure) in
            try Self.mustRun(state.phase)
            let queue = try EventQueue(
                owner: ObjectIdentifier(self), takesLog: takesLog, gateway: self)
            state.queues.append(WeakQueue(queue: queue))
            return queue
        }
    }

    /// Takes over a connected socket; `told` gets the session's number before there can be an event
    /// of it. On failure the descriptor is still the host's, untouched.
    public func adopt(
        descriptor: Int32, _ opening: ClientOpening, told: (UInt64) -> Void
    ) throws(Failure) {
        try mustAdmit()
        try mustOwn(opening.queue)
        if opening.borrows { try mustBeLendable(opening) }
        guard !opening.tellsByReturn else {
            throw Failure(.invalid, "flags speak of output that the host moves, and it does not")
        }
        let peer = try AdoptedSocket.check(descriptor)
        let session = try opening.sessionOpening(peer: peer)
        try mustRoute(opening)
        let own = try AdoptedSocket.take(descriptor, duplicating: opening.duplicates)
        // A forked child leaves what the host owns to the host.
        if !opening.borrows { cshims_descriptor_track(own) }
        guard let loop = nextLoop() else { throw giveBack(own, to: descriptor) }
        let host = HostSession(
            id: loop.nextSessionID().raw, queue: opening.queue, userData: opening.userData,
            tellsClosed: opening.tellsClosed, isBorrowed: opening.borrows)
        let transit = SessionInTransit(host, descriptor: own, directory)
        told(host.id)
        let isPosted = loop.post {
            if transit.take() { $0.open(host, descriptor: own, session) }
        }
        guard isPosted else {
            _ = transit.take()
            directory.remove(host)
            told(0)
            throw giveBack(own, to: descriptor)
        }
    }

    func mustOwn(_ queue: EventQueue?) throws(Failure) {
        if let queue, queue.owner != ObjectIdentifier(self) {
            throw Failure(.invalid, "queue belongs to another gateway")
        }
    }

    private func mustBeLendable(_ opening: ClientOpening) throws(Failure) {
        guard !opening.duplicates else {
            throw Failure(.invalid, "PUBSUBGW_OPEN_BORROW_FD excludes PUBSUBGW_OPEN_DUP_FD")
        }
        guard opening.queue != nil, opening.tellsClosed else {
            throw Failure(
                .invalid,
                "PUBSUBGW_OPEN_BORROW_FD needs a queue and its closed event:"
                    + " that event gives the descriptor back")
        }
    }

    /// What the host handed over stays the host's; a duplicate is closed.
    private func giveBack(_ own: Int32, to descriptor: Int32) -> Failure {
        if own == descriptor { cshims_descriptor_untrack(own) } else { Socket.close(own) }
        return Self.stopped
    }

    /// The port, or 0 for a unix socket.
    public func listen(_ address: ListenAddress) throws(Failure) -> Int32 {
        try mustAdmit()
        guard let first = loops.first else { throw Self.stopped }
        let socket = try ListeningSocket(address)
        guard first.post({ $0.listen(socket) }) else {
            socket.close()
            throw Self.stopped
        }
        return Int32(socket.port)
    }

    /// Loops take turns. nil: there are none any more.
    func nextLoop() -> LoopHandle? {
        state.withLock { state in
            guard !state.loops.isEmpty else { return nil }
            state.turn = (state.turn + 1) % state.loops.count
            return state.loops[state.turn]
        }
    }

    func mustRoute(_ opening: ClientOpening) throws(Failure) {
        if let id = opening.routeID {
            guard state.withLock({ $0.routes.route(id: id) != nil }) else {
                throw Failure(.noRoute, "there is no route \"\(id)\"")
            }
        } else if let uri = opening.uri {
            _ = try match(host: opening.host, uri: uri)
        }
    }
}
