import Glibc
import WebSocketProtocol

// The loop's side.
extension HostPipe {
    struct Attendance {
        /// Bytes that were put into the buffer.
        var count = 0
        /// nil: it is no message.
        var opcode: Opcode?
        /// There is more input than the buffer holds.
        var hasMore = false
        /// The client's end of stream comes behind these bytes, or behind those that are not taken.
        var hasEnded = false
        /// Output that did not fit has room now.
        var hasRoom = false
        /// A `resume` event is to be pushed.
        var resumes = false
    }

    /// Looks at what the host has left. `buffer` nil: no input is taken now.
    func attend(into buffer: UnsafeMutableRawBufferPointer?) -> Attendance {
        state.withLock { state in
            var found = Attendance()
            found.hasRoom = state.hasRoom
            state.hasRoom = false
            if let buffer { found.count = state.input.take(into: buffer) }
            conclude(&found, &state, isTaking: buffer != nil)
            return found
        }
    }

    /// The same for a message; `grow` makes memory for one that is larger than `buffer`.
    func attendMessage(
        into buffer: UnsafeMutableRawBufferPointer?, grow: (Int) -> UnsafeMutableRawBufferPointer
    ) -> Attendance {
        state.withLock { state in
            var found = Attendance()
            found.hasRoom = state.hasRoom
            state.hasRoom = false
            if let buffer, let head = MessageHead(first: state.input) {
                let place = head.count > buffer.count ? grow(head.count) : buffer
                state.input.drop(MessageHead.byteCount)
                found.count = state.input.take(
                    into: UnsafeMutableRawBufferPointer(rebasing: place[..<head.count]))
                found.opcode = head.opcode
            }
            conclude(&found, &state, isTaking: buffer != nil)
            return found
        }
    }

    private func conclude(_ found: inout Attendance, _ state: inout State, isTaking: Bool) {
        found.hasMore = !state.input.isEmpty
        // Who does not take input hears of its end at once.
        found.hasEnded = state.hasInputEnded && (!found.hasMore || !isTaking)
        if isTaking, !found.hasMore { state.isScheduled = false }
        found.resumes = state.resumes()
    }

    /// The engine stops taking input, or goes on; then the caller looks at the input at once.
    func setReadingPaused(_ isPaused: Bool) {
        state.withLock { state in
            state.isReadingPaused = isPaused
            // Whoever clears it will look.
            if isPaused { state.isScheduled = true }
        }
    }

    // MARK: Output

    /// Takes what there is room for; how much.
    func write(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        state.withLock { state in
            guard state.takesOutput else { return vectors.reduce(0) { $0 + $1.iov_len } }
            var taken = 0
            for vector in vectors {
                let room = max(0, Self.outputBytesMax - state.output.count)
                let part = min(room, vector.iov_len)
                let done = state.output.append(
                    UnsafeRawBufferPointer(start: vector.iov_base, count: part))
                taken += done
                guard done == vector.iov_len else {
                    state.isBlocked = true
                    break
                }
            }
            return taken
        }
    }

    /// Behind a write. True: an `output` event is to be pushed.
    func tellsOutput() -> Bool {
        state.withLock { state in
            guard !state.output.isEmpty, !state.isOutputTold else { return false }
            state.isOutputTold = true
            return true
        }
    }

    // MARK: The end

    /// The engine has given the session up. `lingers`: what was written is worth sending.
    func close(lingers: Bool) { state.withLock { $0.lingers = lingers } }

    /// The session is over. Its last event comes back if it is to be pushed now; else the host's
    /// last `consume` brings it.
    func finish(_ event: QueueEvent) -> QueueEvent? {
        state.withLock { state in
            guard case .open = state.end else { return nil }
            guard state.lingers, state.takesOutput, !state.output.isEmpty else {
                return state.cut(event)
            }
            state.end = .finishing(event)
            return nil
        }
    }
}
