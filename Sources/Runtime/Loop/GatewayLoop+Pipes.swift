import GatewayCore

// Sessions whose connection is the host's.
extension GatewayLoop {
    func open(_ session: HostSession, _ pipe: HostPipe, _ opening: SessionOpening) {
        let port =
            switch pipe.kind {
            case .bytes: PipePort(session, pipe, driver: self)
            case .messages: MessagePort(session, pipe, driver: self)
            }
        hosted[port.id] = session
        clients[port.id] = port
        engine.open(port.id, opening, now: loop.now)
        perform()
        // The bell may have rung for it before it was here.
        if port.isOpen { port.attend() }
    }

    /// Hosts have left something in their pipes.
    func answerBell() {
        var rung: [UInt64] = []
        swap(&rung, &callers)
        bell.answer(&rung)
        for number in rung {
            guard let port = clients[SessionID(raw: number)] as? PipePort else { continue }
            port.attend()
        }
        rung.removeAll(keepingCapacity: true)
        swap(&rung, &callers)
    }

    /// It has more input than it had its turn for.
    func markReady(_ port: PipePort) {
        guard !port.isReady else { return }
        port.isReady = true
        readyPorts.append(port)
    }

    func attendReadyPorts() {
        guard !readyPorts.isEmpty else { return }
        var ports: [PipePort] = []
        swap(&ports, &readyPorts)
        for port in ports {
            port.isReady = false
            if port.isOpen { port.attend() }
        }
    }

    /// The client's end of stream.
    func endPipe(_ port: PipePort) {
        engine.endOfStream(port.id, now: loop.now)
        perform()
        // Nobody takes what is left to say.
        if port.isOpen { fail(port, "connection closed by the client") }
    }

    /// The host's side of a session that was over is over too.
    func finished(_ session: HostSession) {
        finishing[SessionID(raw: session.id)] = nil
        checkDrained()
    }

    func cutFinishing() {
        for session in finishing.values {
            if let event = session.pipe?.cut() { gateway.directory.end(session, event) }
        }
        finishing = [:]
    }
}
