import GatewayCore
import WebSocketProtocol

// start, drain, stop, destroy.
extension Gateway {
    public func start() throws(Failure) {
        try ForkGuard.install()
        try state.withLock { state throws(Failure) in
            guard state.phase == .new else {
                throw Failure(.state, "the gateway was started before")
            }
            let helpers = HelperThreads()
            var loops: [LoopHandle] = []
            do throws(Failure) {
                for index in 0..<settings.gateway.threads {
                    loops.append(try LoopHandle(index: index, gateway: self, helpers: helpers))
                }
                state.drain.latch = Latch(count: loops.count)
            } catch {
                for loop in loops { loop.end() }
                for loop in loops { loop.join() }
                throw error
            }
            let routes = state.routes
            let commands = state.commands
            for loop in loops {
                loop.post { $0.setRoutes(routes, closing: []) }
                loop.post { $0.setCommands(commands) }
            }
            startLogins(loops)
            state.loops = loops
            state.helpers = helpers
            state.phase = .running
        }
    }

    /// 1001 or 1012 usually; any code that a server may send.
    public func drain(closeCode: Int32, timeoutMilliseconds: Int64) throws(Failure) {
        guard let code = UInt16(exactly: closeCode),
            CloseCode(rawValue: code).isAllowedOnTheWire
        else {
            throw Failure(.invalid, "ws_close_code \(closeCode) must not be sent in a Close frame")
        }
        let latch = try state.withLock { state throws(Failure) in
            try Self.mustRun(state.phase)
            if state.phase == .running {
                state.drain.isRestart = CloseCode(rawValue: code) == .serviceRestart
            }
            state.phase = .draining
            state.drain.calls += 1
            let call = state.drain.calls
            for loop in state.loops {
                loop.post {
                    $0.drain(
                        closeCode: code, timeoutMilliseconds: timeoutMilliseconds, call: call)
                }
            }
            return state.drain.latch
        }
        // Not the first call, perhaps.
        if latch?.isOpen == true { tellDrained(.ok) }
    }

    /// Ends everything; blocks up to about `timeoutMilliseconds`.
    public func stop(timeoutMilliseconds: Int64) throws(Failure) {
        guard !loops.contains(where: \.isCurrent) else {
            throw Failure(.state, "pubsubgw_stop was called on a thread of the library")
        }
        guard state.withLock({ $0.phase }) != .new else { throw Self.notStarted }
        stopping.withLock { _ in
            let phase = state.withLock { $0.phase }
            if phase == .stopped { return }
            if phase == .running { goAway() }
            let latch = state.withLock { $0.drain.latch }
            _ = latch?.wait(milliseconds: timeoutMilliseconds)
            endLoops()
            tellDrained(.timeout)
        }
    }

    private func goAway() {
        state.withLock { state in
            state.phase = .draining
            for loop in state.loops {
                loop.post { $0.drain(closeCode: 1001, timeoutMilliseconds: .max, call: 0) }
            }
        }
    }

    private func endLoops() {
        let loops = loops
        var metrics = GatewayMetrics()
        for loop in loops {
            if let counted = loop.ask({ $0.engine.metrics() }) { metrics.add(counted) }
        }
        tokens.stop()
        for loop in loops { loop.end() }
        for loop in loops { loop.join() }
        state.withLock { $0.helpers }?.stop(
            milliseconds: settings.limits.helperStopMilliseconds)
        metrics.forgetGauges()
        state.withLock { [metrics] state in
            state.phase = .stopped
            state.finalMetrics = metrics
            state.loops = []
            state.helpers = nil
        }
    }

    /// The end of the handle: nothing of the gateway runs afterwards.
    public func destroy() {
        guard state.withLock({ $0.phase }) != .new else { return }
        // On a thread of the library one cannot wait for that thread; the host was told not to.
        try? stop(timeoutMilliseconds: 0)
    }
}

extension GatewayMetrics {
    /// Nothing is open any more.
    mutating func forgetGauges() {
        sessions = 0
        subscriptions = 0
        unsentBytes = 0
        kafkaConnections = 0
        cacheBytes = 0
    }
}
