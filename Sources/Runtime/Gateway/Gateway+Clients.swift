import CShims
import EventLoop
import GatewayCore

// The three doors: queues, sockets handed over, and listeners.
extension Gateway {
    public func makeQueue(takesLog: Bool) throws(Failure) -> EventQueue {
        try state.withLock { state throws(Failure) in
            switch state.phase {
            case .running, .draining: break
            case .new, .stopped: try Self.mustServe(state.phase)
            }
            let queue = try EventQueue(owner: ObjectIdentifier(self), takesLog: takesLog)
            state.queues.append(WeakQueue(queue: queue))
            return queue
        }
    }

    /// Takes over a connected socket and answers the session's number. On failure the descriptor
    /// is still the host's, untouched.
    public func adopt(descriptor: Int32, _ opening: ClientOpening) throws(Failure) -> UInt64 {
        try Self.mustServe(state.withLock { $0.phase })
        if let queue = opening.queue, queue.owner != ObjectIdentifier(self) {
            throw Failure(.invalid, "queue belongs to another gateway")
        }
        let peer = try AdoptedSocket.check(descriptor)
        let session = try opening.sessionOpening(peer: peer)
        try mustRoute(opening)
        let own = try AdoptedSocket.take(descriptor, duplicating: opening.duplicates)
        let queue = opening.tellsClosed ? opening.queue : nil
        cshims_descriptor_track(own)
        let transit = DescriptorInTransit(own)
        guard let loop = nextLoop() else { throw giveBack(transit, to: descriptor) }
        let id = loop.nextSessionID()
        let isPosted = loop.post {
            $0.open(id, descriptor: transit.take(), session, queue: queue)
        }
        guard isPosted else { throw giveBack(transit, to: descriptor) }
        return id.raw
    }

    /// What the host handed over stays the host's; a duplicate is closed.
    private func giveBack(_ transit: DescriptorInTransit, to descriptor: Int32) -> Failure {
        let own = transit.take()
        if own == descriptor { cshims_descriptor_untrack(own) } else { Socket.close(own) }
        return Failure(.state, "the gateway is stopped")
    }

    /// The port, or 0 for a unix socket.
    public func listen(_ address: ListenAddress) throws(Failure) -> Int32 {
        try Self.mustServe(state.withLock { $0.phase })
        guard let first = loops.first else { throw Failure(.state, "the gateway is stopped") }
        let socket = try ListeningSocket(address)
        guard first.post({ $0.listen(socket) }) else {
            socket.close()
            throw Failure(.state, "the gateway is stopped")
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

    private func mustRoute(_ opening: ClientOpening) throws(Failure) {
        if let id = opening.routeID {
            guard state.withLock({ $0.routes.route(id: id) != nil }) else {
                throw Failure(.noRoute, "there is no route \"\(id)\"")
            }
        } else if let uri = opening.uri {
            _ = try match(host: opening.host, uri: uri)
        }
    }
}
