/// Queues whose host waits on a unix socket.
extension Gateway {
    /// The first loop serves it, for as long as it runs.
    func wakeListen(_ queue: EventQueue, path: String) throws(Failure) {
        try Self.mustRun(state.withLock { $0.phase })
        let address = try ListenAddress("unix:\(path)", mode: 0o600)
        guard case .unix = address else {
            throw Failure(.invalid, "unix_path \"\(path)\" is no path of a file")
        }
        guard queue.beginWakeListening() else {
            throw Failure(.state, "the queue has a wake socket already")
        }
        do throws(Failure) {
            let socket = try ListeningSocket(address)
            queue.wakeListens(on: socket)
            guard loops.first?.post({ $0.wakeListen(socket, queue) }) == true else {
                socket.close()
                throw Self.stopped
            }
        } catch {
            queue.endWakeListening()
            throw error
        }
    }
}

extension EventQueue {
    /// Lets a host that cannot wait for a descriptor wait for bytes on a unix socket.
    public func wakeListen(path: String) throws(Failure) {
        guard let gateway else { throw Failure(.state, "the gateway was destroyed") }
        try gateway.wakeListen(self, path: path)
    }

    /// Ends the queue, and its wake socket.
    public func end() {
        destroy()
        endWakeListening()?.removeFile()
        let queue = self
        gateway?.loops.first?.post { $0.endWakeListening(queue) }
    }
}
