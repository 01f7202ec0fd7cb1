import CShims
import EventLoop
import GatewayCore
import Glibc

// Client sockets: from the door to the engine, and from the engine to the wire.
extension GatewayLoop {
    /// Takes over a connected, non-blocking socket.
    func open(_ session: HostSession, descriptor: Int32, _ opening: SessionOpening) {
        let id = SessionID(raw: session.id)
        Socket.setNoDelay(descriptor)
        let client = ClientSocket(session, descriptor, driver: self)
        do throws(SystemError) {
            try client.start(loop)
        } catch {
            // The host closed it under us (EBADF), or handed it over twice (EEXIST): its number is
            // another's then.
            log(.warning, "session \(id): \(error)")
            let isOthers = error.errno == EBADF || error.errno == EEXIST
            if !client.isLent, !isOthers { Socket.close(descriptor) }
            var event = session.event(.closed)
            event.code = 1006
            event.text = error.text
            return gateway.directory.end(session, event)
        }
        hosted[id] = session
        clients[id] = client
        engine.open(id, opening, now: loop.now)
        perform()
    }

    /// An error or an end of a client's socket, or its bytes.
    func receive(_ client: ClientSocket) {
        let room = min(inbox.count, engine.receiveBytesMax(ready: loop.readyCount))
        let space = UnsafeMutableRawBufferPointer(rebasing: inbox[..<room])
        switch Socket.read(client.descriptor, into: space) {
        case .bytes(let count):
            engine.received(
                client.id, UnsafeMutableRawBufferPointer(rebasing: inbox[..<count]), now: loop.now)
            if engine.takeSoleWrite(client.id) { return markDirty(client) }
        case .wouldBlock: return
        case .end:
            client.hasEnded = true
            engine.endOfStream(client.id, now: loop.now)
        case .failed(let failure): return fail(client, failure.text)
        }
        perform()
    }

    /// While it is not read from.
    func clientLeft(_ client: ClientPort) {
        client.hasLeft = true
        engine.clientLeft(client.id, now: loop.now)
        perform()
    }

    func fail(_ client: ClientPort, _ reason: String) {
        client.hasFailed = true
        engine.failed(client.id, reason, now: loop.now)
        perform()
        // The engine knows it no more; it must not be reported turn after turn.
        if client.isOpen { closeClient(client.id, linger: false) }
    }

    func markDirty(_ id: SessionID) {
        guard let client = clients[id] else { return }
        markDirty(client)
    }

    func markDirty(_ client: ClientPort) {
        guard !client.isDirty else { return }
        client.isDirty = true
        dirtyClients.append(client)
    }

    /// `isPressed`: others wait for their turns, so that small output goes before large.
    func flushClients(isPressed: Bool = false) {
        guard !dirtyClients.isEmpty else { return }
        var clients: [ClientPort] = []
        swap(&clients, &dirtyClients)
        let turn = WriteTurn(clients: clients.count)
        var areSmallWritten = false
        if isPressed || areWritesLate, turn.isShared {
            flushSmall(of: &clients, turn)
            areSmallWritten = true
        }
        var next = 0
        while next < clients.count, !(turn.isShared && engine.isTurnOver) {
            write(clients[next], turn)
            next += 1
        }
        areWritesLate = next < clients.count
        guard areWritesLate else {
            // The array's memory is used again, unless the turn has filled the new one.
            guard dirtyClients.isEmpty else { return }
            clients.removeAll(keepingCapacity: true)
            return swap(&clients, &dirtyClients)
        }
        clients.removeSubrange(..<next)
        if !areSmallWritten { flushSmall(of: &clients, turn) }
        // They come first in the next turn, before those who had a part of theirs.
        dirtyClients.insert(contentsOf: clients, at: 0)
    }

    /// Leaves those who have more to send.
    private func flushSmall(of clients: inout [ClientPort], _ turn: WriteTurn) {
        clients.removeAll { client in
            let isSmall =
                !client.isOpen || engine.unsentBytes(of: client.id) <= WriteTurn.smallBytes
            if isSmall { write(client, turn) }
            return isSmall
        }
    }

    private func write(_ client: ClientPort, _ turn: WriteTurn) {
        client.isDirty = false
        if client.isOpen { flush(client, upTo: turn.bytesMax) }
    }

    func flush(_ client: ClientPort, upTo bytes: Int = GatewayEngine.turnBytesMax) {
        let state = engine.writeOutput(client.id, upTo: bytes, now: loop.now) {
            client.write($0)
        }
        client.endWrites()
        if client.session.budget.isUsed {
            client.session.budget.set(unsent: engine.unsentBytes(of: client.id))
        }
        perform()
        guard client.isOpen else { return }
        switch state {
        case .drained: client.wantsWrite = false
        case .blocked: client.wantsWrite = true
        case .more: markDirty(client)
        case .closed: break
        }
    }

    func closeClient(_ id: SessionID, linger: Bool) {
        clients.removeValue(forKey: id)?.close(linger: linger)
    }
}
