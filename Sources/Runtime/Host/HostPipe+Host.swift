import WebSocketProtocol

// The host's side. One thread at a time, as the header asks; the loop may be at work meanwhile.
extension HostPipe {
    struct Fed {
        /// The host waits for a `resume` event.
        var pauses = false
        /// The loop has to look.
        var rings = false
        /// What it finds is so little that this thread may do it in its place.
        var isLittle = false
        /// The session's last event, which is the caller's to push.
        var closed: QueueEvent?
    }

    /// Bytes of the client, or a message with its opcode. No bytes: the client's end of stream.
    func feed(
        _ bytes: UnsafeRawBufferPointer, opcode: Opcode? = nil
    ) throws(Failure) -> Fed {
        try state.withLock { state throws(Failure) in
            var fed = Fed()
            switch state.end {
            case .open: break
            case .over: throw Failure(.gone, "the session has ended")
            case .finishing(let event):
                // What follows the end of the WebSocket stream is of no interest.
                if bytes.isEmpty, opcode == nil { fed.closed = state.cut(event) }
                return fed
            }
            guard !state.hasInputEnded else {
                throw Failure(.state, "the client's end of stream was fed before")
            }
            try state.take(bytes, opcode)
            // An end is told even while reading is paused.
            fed.rings = !state.isScheduled || state.hasInputEnded
            fed.isLittle = !state.hasInputEnded && state.input.count <= Self.littleBytes
            state.isScheduled = true
            if state.hasInputEnded { return fed }
            fed.pauses = state.isReadingPaused || state.input.count > Self.pauseBytes
            if fed.pauses { state.isResumeOwed = true }
            return fed
        }
    }

    /// What waits to be sent, in at most `max` pieces; how many.
    func output(max: Int, _ body: (Int, UnsafeRawBufferPointer) -> Void) -> Int {
        state.withLock { state in
            if state.output.isEmpty { state.isOutputTold = false }
            return state.output.slices(max: max, body)
        }
    }

    struct Consumed {
        var hasMore = false
        var rings = false
        var closed: QueueEvent?
    }

    func consume(_ count: Int) throws(Failure) -> Consumed {
        try state.withLock { state throws(Failure) in
            guard count >= 0 && count <= state.output.count else {
                throw Failure(.invalid, "len \(count) is more than waits (\(state.output.count))")
            }
            state.output.consume(count)
            var consumed = Consumed()
            consumed.hasMore = !state.output.isEmpty
            if state.isBlocked, state.output.count <= Self.outputBytesMax / 2 {
                state.isBlocked = false
                state.hasRoom = true
                consumed.rings = true
            }
            guard !consumed.hasMore else { return consumed }
            state.isOutputTold = false
            if case .finishing(let event) = state.end { consumed.closed = state.cut(event) }
            return consumed
        }
    }

    /// The host takes no more output. Its last event, if that was what it waited for.
    func cut() -> QueueEvent? {
        state.withLock { state in
            state.isCut = true
            guard case .finishing(let event) = state.end else { return nil }
            return state.cut(event)
        }
    }
}

extension HostPipe.State {
    fileprivate mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ opcode: Opcode?
    ) throws(Failure) {
        let isEnd = opcode == .close
        guard isEnd || !isResumeOwed || input.count + bytes.count <= HostPipe.inputBytesMax else {
            throw Failure(.full, "fed beyond \(HostPipe.inputBytesMax) bytes after PUBSUBGW_PAUSE")
        }
        if let opcode {
            // As an end of stream it counts even while nothing is read.
            if isEnd { hasInputEnded = true }
            guard MessageHead(opcode: opcode, count: bytes.count).append(bytes, to: &input) else {
                throw Failure(.noMemory, "no memory for \(bytes.count) bytes")
            }
        } else if bytes.isEmpty {
            hasInputEnded = true
        } else {
            guard input.append(bytes) else {
                throw Failure(.noMemory, "no memory for \(bytes.count) bytes")
            }
        }
    }

    /// The end of a session whose last bytes have left, or will not.
    mutating func cut(_ event: QueueEvent) -> QueueEvent {
        end = .over
        var event = event
        event.number -= Int64(output.count)
        return event
    }
}
