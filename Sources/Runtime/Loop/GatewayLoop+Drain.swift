import EventLoop

/// How far a loop has gone out of service.
struct LoopDrain {
    var isStarted = false
    /// The engine has no session left.
    var isEngineDrained = false
    var isTold = false
    var timer: TimerID?
}

extension GatewayLoop {
    /// No new sessions; those that are open get a Close frame. The first loop keeps the time of the
    /// `call`.
    func drain(closeCode: UInt16, timeoutMilliseconds: Int64, call: Int) {
        takeInWaiting()
        closeListeners()
        if index == 0 { setDrainTimer(timeoutMilliseconds, call) }
        guard !drain.isStarted else { return }
        drain.isStarted = true
        let reason = closeCode == 1012 ? "the service restarts" : "the gateway goes away"
        engine.drain(
            closeCode: closeCode, reason: reason, spreadMilliseconds: 0, now: loop.now)
        perform()
    }

    private func setDrainTimer(_ milliseconds: Int64, _ call: Int) {
        if let timer = drain.timer { loop.cancel(timer) }
        let due = loop.now.adding(milliseconds: milliseconds)
        drain.timer = loop.schedule(at: due) { [unowned self] in gateway.drainTimedOut(call: call) }
    }

    /// Sessions are over for the host when their sockets are.
    func checkDrained() {
        guard drain.isEngineDrained, !drain.isTold, lingering.isEmpty, finishing.isEmpty
        else { return }
        drain.isTold = true
        gateway.loopDrained()
    }

    /// Cuts everything: the loop's last act, behind its last job.
    func shutDown() {
        closeListeners()
        takeLastAsks()
        engine.cutProducing(now: loop.now)
        perform()
        flushClients()
        engine.shutDown(now: loop.now)
        perform()
        for id in Array(clients.keys) { closeClient(id, linger: false) }
        for socket in Array(lingering.values) { socket.end() }
        cutFinishing()
        for id in Array(brokers.keys) { closeBroker(id) }
        for listener in wakeListeners { listener.close() }
        wakeListeners = []
    }
}
