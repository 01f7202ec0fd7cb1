import KafkaCore
import PubSubProtocol
import Timing
import WebSocketProtocol

extension GatewayEngine {
    /// Ends one session with a Close frame. Unknown sessions are ignored; a code that no frame may
    /// carry becomes 1000.
    public func close(_ id: SessionID, code: UInt16, reason: String, now: Instant) {
        self.now = now
        guard let session = sessions[id] else { return }
        close(session, with: CloseCode(rawValue: code), reason)
    }

    func close(_ session: Session, _ fault: GatewayFault, _ reason: String) {
        if fault == .messageTooBig { counts.limitHits["message_bytes", default: 0] += 1 }
        close(session, with: fault.closeCode ?? .internalError, reason)
    }

    func close(_ session: Session, with wanted: CloseCode, _ reason: String) {
        switch session.phase {
        case .handshake:
            refuse(session, .unavailable(.draining, reason))
        case .open:
            let code = wanted.isAllowedOnTheWire ? wanted : .normal
            session.closeCode = code.rawValue
            session.closeReason = reason
            addRaw(session) { session.connection.close(code, reason: reason, into: &$0) }
            beginClosing(session)
        // What is asked for is waited for; it ends with its answer.
        case .posting: giveUpPost(session, .unavailable(.draining, reason))
        case .closing, .refusing, .over: break
        }
    }

    /// Our Close frame is on its way. Nothing but the peer's is waited for.
    func beginClosing(_ session: Session) {
        abandon(session)
        session.phase = .closing
        // The peer's half of the handshake is the host's to wait for.
        if session.speaksMessages { session.endsWhenDrained = true }
        session.endsAt = now.adding(milliseconds: Self.closeMilliseconds)
        schedule(session)
        account(session)
        resumeReading(session)
    }

    /// Lets go of everything that the session asked for.
    func abandon(_ session: Session) {
        if session.phase == .over {
            if let token = session.reread {
                reads[token] = nil
                session.service?.seat?.cluster.cancel(token)
            }
            endRereadTurn(session)
        }
        session.hasLeft = true
        guard let desk = session.desk else { return }
        session.desk = nil
        session.heldReplyBytes = 0
        leave(session, desk)
    }

    func cancel(_ session: Session, _ command: PendingCommand) {
        if case .host(let token) = command.token { withdraw(token) }
        guard let cluster = session.service?.seat?.cluster else { return }
        switch command.token {
        case .none, .host: break
        case .read(let token):
            reads[token] = nil
            cluster.cancel(token)
        case .request(let token):
            requests[token] = nil
            cluster.cancel(token)
        }
    }

    /// The session is over: the driver closes the socket, and the host is told.
    func end(_ session: Session, lingers: Bool) {
        guard session.phase != .over else { return }
        session.phase = .over
        spent &+= Work.ending
        abandon(session)
        leaveArena(session, spills: false)
        orphan(session)
        giveBack(session)
        sessions[session.id] = nil
        if session.closeCode == 0, session.httpStatus == 101 { session.closeCode = 1006 }
        effects.append(.closeSocket(session.id, linger: lingers))
        tellEnd(session)
        leaveCensus(session)
        if let service = session.service {
            service.sessionCount -= 1
            if service.sessionCount == 0, table.route(id: service.route.id) !== service.route {
                sweep()
            }
        }
        tellDrained()
    }

    private func tellEnd(_ session: Session) {
        if let route = session.service?.route.id {
            let code = Self.countedCloseCode(session.closeCode)
            counts.closes[.init(route: route, code: code), default: 0] += 1
            log(
                .info, session,
                "closed with \(session.closeCode) \(Self.quoted(session.closeReason)),"
                    + " \(session.bytesIn) bytes in, \(session.bytesOut) out,"
                    + " \(now.milliseconds(since: session.openedAt)) ms")
        }
        effects.append(
            .event(
                .closed(
                    SessionClosed(
                        session: session.id, userData: session.userData, code: session.closeCode,
                        reason: session.closeReason, httpStatus: session.httpStatus,
                        bytesOut: session.bytesOut, bytesIn: session.bytesIn))))
    }

    /// Clients choose their close codes: those that mean something to us are counted each, all
    /// others as 0, or the metric would have 65,536 lines a route.
    static func countedCloseCode(_ code: UInt16) -> UInt16 {
        // RFC 6455 section 7.4.1 and IANA's registry; then the library's own range.
        (1000...1015).contains(code) || (4400...4499).contains(code) ? code : 0
    }

    // MARK: All sessions

    /// No new sessions (503, or with 1012 a Close frame at once); each of the others gets a Close
    /// frame, spread over `spread` so that they don't come back in one instant. `drained` comes
    /// when none is left.
    public func drain(
        closeCode: UInt16, reason: String, spreadMilliseconds: Int64, now: Instant
    ) {
        self.now = now
        guard !isDraining else { return }
        isDraining = true
        drainCode = CloseCode(rawValue: closeCode)
        drainReason = reason
        if sessions.isEmpty { return tellDrained() }
        for session in sessionsInOrder where session.phase != .handshake || refusesClients {
            guard spreadMilliseconds > 0, session.phase == .open else {
                closeForDrain(session)
                continue
            }
            let delay = Int64.random(in: 0...spreadMilliseconds, using: &random)
            session.drainsAt = now.adding(milliseconds: delay)
            schedule(session)
        }
    }

    /// Ends every session at once, without a handshake, and closes all broker connections.
    public func shutDown(now: Instant) {
        self.now = now
        isDraining = true
        for session in sessionsInOrder {
            if session.closeCode == 0, session.httpStatus == 101 {
                session.closeCode = CloseCode.goingAway.rawValue
                session.closeReason = "the gateway stops"
            }
            end(session, lingers: false)
        }
        leaving = []
        ended = []
        stopDirect()
        for seat in seats { retire(seat) }
        endProducers()
        followers = FollowerTable()
        seats = []
        served = [:]
    }
}
