import EventLoop
import GatewayCore

/// A listener, and the file that ends with it.
struct ListenerEntry {
    let listener: Listener
    let socket: ListeningSocket
}

extension GatewayLoop {
    func listen(_ socket: ListeningSocket) {
        guard !engine.refusesClients else { return socket.close() }
        do throws(SystemError) {
            let listener = try Listener(
                socket.descriptor, loop: loop,
                exhausted: { [unowned self] error in
                    let isNews = exhaustion.begins(error.text, now: loop.now)
                    log(isNews ? .error : .debug, "accepting: \(error.text)")
                },
                accepted: { [unowned self] in accept($0) })
            listeners.append(ListenerEntry(listener: listener, socket: socket))
        } catch {
            log(.error, "listening: \(error)")
            socket.close()
        }
    }

    /// Who waits in the queue of a socket that ends with us would be cut off: it is taken in first.
    func takeInWaiting() {
        for entry in listeners where !entry.socket.isShared { entry.listener.acceptWaiting() }
    }

    func closeListeners() {
        for entry in listeners {
            entry.listener.close()
            entry.socket.removeFile()
        }
        listeners = []
    }

    /// The loops of the gateway take turns.
    private func accept(_ descriptor: Int32) {
        if exhaustion.ends(now: loop.now) { log(.warning, "accepting again") }
        let peer = Socket.peerAddress(descriptor).flatMap { $0.isUnix ? nil : $0.host }
        let opening = SessionOpening(start: .accepted, remoteAddress: peer)
        guard let other = gateway.nextLoop() else { return Socket.close(descriptor) }
        let session = HostSession(id: other.nextSessionID().raw)
        if other.index == index {
            gateway.directory.add(session)
            open(session, descriptor: descriptor, opening)
        } else {
            let transit = SessionInTransit(session, descriptor: descriptor, gateway.directory)
            other.post {
                if transit.take() { $0.open(session, descriptor: descriptor, opening) }
            }
        }
    }
}
