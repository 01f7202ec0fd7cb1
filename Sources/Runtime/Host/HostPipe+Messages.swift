// Message events that the host has not polled are what fills a messages session's output.
extension HostPipe: EventReceipt {
    /// What an event costs beside its bytes.
    static let messageOverhead = 128

    /// False: the loop is to wait, and is rung when half of the room is free.
    func hasMessageRoom() -> Bool {
        state.withLock { state in
            if state.unpolledBytes < Self.outputBytesMax { return true }
            state.isBlocked = true
            return false
        }
    }

    /// Before such an event is pushed.
    func pushes(_ byteCount: Int) { state.withLock { $0.unpolledBytes += byteCount } }

    public func eventLeft(byteCount: Int) {
        let rings = state.withLock { state in
            state.unpolledBytes -= byteCount
            guard state.isBlocked, state.unpolledBytes <= Self.outputBytesMax / 2,
                case .open = state.end
            else { return false }
            state.isBlocked = false
            state.hasRoom = true
            return true
        }
        if rings { ring() }
    }

    /// What waits for the host to take it.
    var waitingBytes: Int { state.withLock { $0.output.count + $0.unpolledBytes } }
}
