import Bytes
import PubSubProtocol
import Timing
import WebSocketProtocol

extension GatewayEngine {
    /// Bytes from the client, any piece of the stream. They are unmasked in place.
    public func received(
        _ id: SessionID, _ bytes: UnsafeMutableRawBufferPointer, now: Instant
    ) {
        self.now = now
        guard let session = sessions[id], !bytes.isEmpty else { return }
        take(session, bytes)
    }

    func take(_ session: Session, _ bytes: UnsafeMutableRawBufferPointer) {
        session.bytesIn += Int64(bytes.count)
        counts.bytesIn &+= UInt64(bytes.count)
        session.keepalive.received(now)
        switch session.phase {
        case .handshake: readHead(session, bytes)
        case .open, .closing:
            takeFrames(session, bytes)
        case .posting: takeBody(session, UnsafeRawBufferPointer(bytes))
        case .refusing, .over: break
        }
    }

    /// The client has shut down its sending side.
    public func endOfStream(_ id: SessionID, now: Instant) {
        self.now = now
        guard let session = sessions[id] else { return }
        session.hasEnded = true
        switch session.phase {
        case .handshake, .open:
            end(session, lingers: false)
        // Who has said all may still wait for the answer.
        case .posting: if session.post?.isAsked != true { end(session, lingers: false) }
        case .closing, .refusing:
            // What waits may still reach a peer that only stopped sending.
            if session.output.isEmpty { end(session, lingers: true) }
        case .over: break
        }
    }

    /// The socket failed: reset, broken pipe. Nothing can be written any more.
    public func failed(_ id: SessionID, _ reason: String, now: Instant) {
        self.now = now
        guard let session = sessions[id] else { return }
        if session.closeReason.isEmpty { session.closeReason = reason }
        end(session, lingers: false)
    }

    // MARK: Frames

    /// Looks at input until so much work was spent; what is left waits for the session's next turn.
    func consume(_ session: Session, _ input: inout MutableInput, until end: Int) {
        let start = spent
        let from = input.position
        let held = session.connection.heldBytes
        session.isConsuming = true
        while let event = nextEvent(session, &input) {
            spent &+= Work.frame
            handle(session, event)
            guard spent &- end >= 0, !input.isAtEnd, session.phase != .over else { continue }
            waitForTurn(session)
            break
        }
        session.isConsuming = false
        spent &+= Work.received(input.position - from)
        spent &+= Work.grown(session.connection.heldBytes - held)
        session.turnAccount.add(spent &- start)
        watchUnfinished(session)
        if session.connection.heldBytes != held || !session.holdsNothing { account(session) }
    }

    /// nil: the input is used up, or not to be looked at any further now.
    @inline(__always)
    private func nextEvent(_ session: Session, _ input: inout MutableInput) -> Event? {
        switch session.phase {
        case .open:
            guard !mustPause(session) else {
                pauseReading(session)
                return nil
            }
        case .closing: break
        default: return nil
        }
        do throws(WebSocketError) {
            if session.pace != nil || session.hasLeft {
                session.connection.inflatesUpTo = inflatesUpTo(session)
            }
            return try session.connection.next(&input)
        } catch {
            let fault = GatewayFault(error)
            // RFC 6455 section 7.1.7: nothing that the peer sends is of interest any more.
            session.endsWhenDrained = true
            close(session, fault, error.text)
            return nil
        }
    }

    private func handle(_ session: Session, _ event: Event) {
        switch event {
        case .message(let opcode, let payload):
            counts.messagesIn &+= 1
            session.lastMessage = now
            session.unfinishedSince = nil
            if session.deflate != nil { spent &+= payload.count &* Work.inflatedByte }
            handleMessage(session, opcode, payload)
        case .ping:
            endedControl(session)
            guard !session.hasLeft else { return }
            addRaw(session) { session.connection.answer(event, into: &$0) }
        case .pong: endedControl(session)
        case .close(let code, let reason):
            session.closeCode = session.closeCode == 0 ? code?.rawValue ?? 1005 : session.closeCode
            if session.closeReason.isEmpty {
                session.closeReason = String(decoding: reason, as: UTF8.self)
            }
            addRaw(session) { session.connection.answer(event, into: &$0) }
            if session.phase == .open { beginClosing(session) }
            session.endsWhenDrained = true
            if session.output.isEmpty { end(session, lingers: true) }
        }
    }

    func handleMessage(
        _ session: Session, _ opcode: Opcode, _ payload: UnsafeRawBufferPointer
    ) {
        if session.hasLeft { return takeLastWords(session, opcode, payload) }
        switch session.pace?.take(now) ?? .go {
        case .go: break
        case .refuse: return refuseTooFast(session, opcode, payload)
        case .close: return closeTooFast(session)
        }
        guard (opcode == .text) == (session.format != .binary) else {
            return refuseKind(session, opcode)
        }
        if answerPlainPing(session, payload) { return }
        spent &+= Work.command
        do throws(MalformedMessage) {
            let request = try decode(session, payload)
            perform(session, request, payload)
        } catch {
            let fault: GatewayFault = error.code == .limit ? .limit : .malformed
            answer(
                session, error.sequence, .malformed, fault, isOrdered: true,
                .error(ErrorReply(error)))
        }
    }

    /// Nobody waits for replies any more; what the host does for a command may be more than that.
    private func takeLastWords(
        _ session: Session, _ opcode: Opcode, _ payload: UnsafeRawBufferPointer
    ) {
        guard isHeardAfterLeaving(session), case .go = session.pace?.take(now) ?? .go,
            (opcode == .text) == (session.format != .binary)
        else { return }
        spent &+= Work.command
        guard let request = try? decode(session, payload),
            case .unknown(let field, _) = request.command,
            hostCommands(of: session).byRequestField[field] != nil
        else { return }
        perform(session, request, payload)
    }

    func decode(
        _ session: Session, _ payload: UnsafeRawBufferPointer
    ) throws(MalformedMessage) -> PubSubRequest {
        try PubSubRequest.decode(
            payload, as: session.format, hostFields: hostFields(of: session),
            limits: session.access?.requestLimits ?? RequestLimits())
    }

    /// The keys of the host's commands, which binary messages don't have.
    func hostFields(of session: Session) -> [String: Int] {
        session.format == .binary ? [:] : hostCommands(of: session).requestFields
    }

    /// The original says nothing to this, and leaves its client waiting.
    private func refuseKind(_ session: Session, _ opcode: Opcode) {
        let text =
            opcode == .text
            ? "a text frame, but this session speaks protobuf in binary frames"
                + " (ask for the sub-protocol pubsub.json or pubsub.text)"
            : "a binary frame, but this session speaks JSON in text frames"
        answer(session, 0, .malformed, .malformed, isOrdered: true, error: text)
    }

    // MARK: Pausing

    /// A peer that does not read, or asks faster than it is answered, is not read from.
    @inline(__always)
    func mustPause(_ session: Session) -> Bool {
        // Of nearly all nothing waits but output.
        guard session.desk == nil, session.producing == nil, !memory.isFull else {
            return isAtLimit(session)
        }
        return unsentForReading(session) > session.unsentMax
    }

    @inline(never)
    private func isAtLimit(_ session: Session) -> Bool {
        unsentForReading(session) > session.unsentMax
            || session.desk.map { $0.inFlight >= session.inFlightMax } ?? false
            || mustPauseProducing(session) || owesTooMuch(session)
    }

    /// No reply is added for a client that has left, and it may not take those that wait.
    private func unsentForReading(_ session: Session) -> Int {
        session.hasLeft ? 0 : session.output.unsentBytes + session.heldReplyBytes
    }

    func pauseReading(_ session: Session) {
        guard !session.isReadingPaused else { return }
        if session.hasLeft, owesTooMuch(session) { return end(session, lingers: false) }
        if !session.isHeld { effects.append(.pauseReading(session.id)) }
        session.isReadingPaused = true
        counts.paused &+= 1
        counts.limitHits[pauseReason(session), default: 0] += 1
    }

    private func pauseReason(_ session: Session) -> String {
        if session.inFlight >= session.inFlightMax { return "commands_in_flight" }
        if unsentForReading(session) > session.unsentMax {
            return "unsent_bytes"
        }
        if mustPauseProducing(session) {
            return session.producing?.waitsForRoom == true
                ? "buffer_bytes" : "produce_bytes_in_flight"
        }
        waitForMemory(session)
        return "memory_bytes"
    }

    /// Goes on reading when half of the room is free again: a peer at the edge would otherwise
    /// be stopped and started for every message.
    func resumeReading(_ session: Session) {
        guard session.isReadingPaused, !session.isConsuming else { return }
        if session.phase == .open {
            guard unsentForReading(session) <= session.unsentMax / 2,
                session.inFlight <= session.inFlightMax / 2, mayResumeProducing(session)
            else { return }
            // Nothing else may ever look at it again.
            guard !owesTooMuch(session) else { return waitForMemory(session) }
        }
        session.isReadingPaused = false
        // Meanwhile it could not end what it had begun.
        if session.unfinishedSince != nil { session.unfinishedSince = now }
        if session.heldInput != nil { return waitForTurn(session) }
        readOn(session)
    }
}
