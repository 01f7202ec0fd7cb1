import GatewayCore

// What the host asks for sessions that are open, on their loop.
extension GatewayLoop {
    func close(_ id: SessionID, code: UInt16, reason: String) {
        engine.close(id, code: code, reason: reason, now: loop.now)
        perform()
    }

    /// The host has forgotten the session. A lent descriptor is not touched any more afterwards.
    func letGo(_ session: HostSession) {
        let id = SessionID(raw: session.id)
        if let socket = lingeringLent[id] { return socket.end() }
        close(id, code: 1001, reason: "the host has let go")
        guard session.isBorrowed || session.pipe != nil, let client = clients[id] else { return }
        flush(client)
        if client.isOpen { fail(client, "the host has let go") }
    }

    func push(_ session: HostSession, _ push: HostPush) {
        let id = SessionID(raw: session.id)
        session.budget.arrived(push.message.count)
        engine.push(id, push, now: loop.now)
        session.budget.set(unsent: engine.unsentBytes(of: id))
        perform()
    }

    func tellOpened(_ opened: SessionOpened) {
        hosted[opened.session]?.budget.begin(
            route: opened.route, isJSON: opened.isJSON, unsentBytesMax: opened.unsentBytesMax)
    }

    /// The session is over for the host.
    func tellClosed(_ closed: SessionClosed) {
        guard let session = hosted.removeValue(forKey: closed.session) else { return }
        var event = session.event(.closed)
        event.code = Int32(closed.code)
        event.number = closed.bytesOut
        event.number2 = closed.bytesIn
        event.flags = UInt32(clamping: closed.httpStatus)
        event.text = closed.reason
        if let socket = lingeringLent[closed.session] {
            socket.closed = (session, event)
        } else if let pipe = session.pipe {
            guard let event = pipe.finish(event) else { return finishing[closed.session] = session }
            gateway.directory.end(session, event)
        } else {
            gateway.directory.end(session, event)
        }
    }
}
