import Bytes
import KafkaCore
import PubSubProtocol
import Timing
import WebSocketProtocol

/// The request head while it is read.
final class Handshake {
    var parser = UpgradeParser(takesPosts: true)
    let opening: SessionOpening
    let endsAt: Instant

    init(_ opening: SessionOpening, endsAt: Instant) {
        self.opening = opening
        self.endsAt = endsAt
    }
}

extension GatewayEngine {
    /// A new client. Whatever is wrong with it is answered on its socket, and ends in `closed`.
    public func open(_ id: SessionID, _ opening: SessionOpening, now: Instant) {
        self.now = now
        guard sessions[id] == nil else { return }
        let session = Session(id: id, opening, now: now)
        sessions[id] = session
        // Accepted before the listener closed, and handed over since: it must not hold up the end.
        if refusesClients {
            session.handshake = Handshake(opening, endsAt: now)
            return refuse(session, .unavailable(.draining, "the gateway is shutting down"))
        }
        // Clients that have not even asked yet count too, or a flood of them would be free.
        if settings.sessionsMax > 0, sessions.count > 2 * settings.sessionsMax {
            counts.limitHits["sessions", default: 0] += 1
            session.handshake = Handshake(opening, endsAt: now)
            return refuse(session, .unavailable(.limit, "too many sessions"))
        }
        let deadline = table.handshakeMilliseconds(routeID: opening.routeID)
        session.handshake = Handshake(opening, endsAt: now.adding(milliseconds: deadline))
        switch opening.start {
        case .accepted: feed(session, opening.preread)
        case .head(let head):
            // What follows the head in the same read is part of the client's stream.
            feed(session, head + opening.preread)
            if session.phase == .handshake { refuse(session, .incompleteHead) }
        case .agreed, .answered:
            admit(session, told: opening)
            feed(session, opening.preread)
        }
        schedule(session)
    }

    private func feed(_ session: Session, _ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        var bytes = bytes
        bytes.withUnsafeMutableBytes { take(session, $0) }
    }

    /// A client whose request the host has read: no byte of it counts as the client's here.
    private func admit(_ session: Session, told opening: SessionOpening) {
        do throws(HTTPRejection) {
            guard let request = try opening.request() else { return }
            admit(session, request, opening)
            session.handshake = nil
        } catch {
            refuse(session, error)
        }
    }

    /// Bytes that may still belong to the request head.
    func readHead(_ session: Session, _ bytes: UnsafeMutableRawBufferPointer) {
        guard let handshake = session.handshake else { return }
        switch handshake.parser.feed(UnsafeRawBufferPointer(bytes)) {
        case .needMore: break
        case .rejected(let rejection): refuse(session, rejection)
        case .post(let request, let consumed):
            admit(session, request, handshake.opening)
            session.handshake = nil
            takeBody(session, UnsafeRawBufferPointer(rebasing: bytes[consumed...]))
        case .request(let request, let consumed):
            admit(session, request, handshake.opening)
            session.handshake = nil
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[consumed...])
            if session.phase != .over, !rest.isEmpty { takeFrames(session, rest) }
        }
    }

    // MARK: Admission

    private func admit(
        _ session: Session, _ request: UpgradeRequest, _ opening: SessionOpening
    ) {
        guard !refusesClients else {
            return refuse(session, .unavailable(.draining, "the gateway is shutting down"))
        }
        let route: Route
        do throws(AdmissionRefusal) {
            route = try table.admit(request, opening)
        } catch {
            return refuse(session, error.rejection, route: error.route, for: error.what)
        }
        guard enter(session, route, opening) else { return }
        upgrade(session, request, opening)
        if isDraining { close(session, with: drainCode, drainReason) }
    }

    /// Whether there is room for one more of the route's; refuses it if not.
    func enter(_ session: Session, _ route: Route, _ opening: SessionOpening) -> Bool {
        if let refusal = census.admit(censusLimits(route, session)) {
            counts.limitHits[refusal.rawValue, default: 0] += 1
            refuse(session, .unavailable(.limit, "too many sessions"), route: route.id)
            return false
        }
        let service = serve(route)
        service.sessionCount += 1
        session.service = service
        session.access = opening.policy.map { SessionAccess(route.policy, $0) } ?? service.access
        return true
    }

    /// A gateway that goes away refuses who comes now. One that restarts has a successor at the
    /// same address: who comes is let in and told so (1012), where a refusal would be an error.
    public var refusesClients: Bool { isDraining && drainCode != .serviceRestart }

    private func censusLimits(_ route: Route, _ session: Session) -> [SessionCensus.Limit] {
        let limits = route.policy.limits
        var list = [
            SessionCensus.Limit(place: .init(), max: settings.sessionsMax, refusal: .sessions),
            SessionCensus.Limit(
                place: .init(route: route.id), max: limits.sessions, refusal: .sessions),
        ]
        guard let address = session.remoteAddress else { return list }
        list.append(
            .init(
                place: .init(address: address), max: settings.sessionsPerAddressMax,
                refusal: .sessionsPerAddress))
        list.append(
            .init(
                place: .init(route: route.id, address: address),
                max: limits.sessionsPerAddress, refusal: .sessionsPerAddress))
        return list
    }

    func leaveCensus(_ session: Session) {
        guard let route = session.service?.route else { return }
        census.leave(censusLimits(route, session).map(\.place))
    }

    private func upgrade(
        _ session: Session, _ request: UpgradeRequest, _ opening: SessionOpening
    ) {
        guard let access = session.access, let route = session.service?.route else { return }
        let subprotocol = opening.subprotocol(of: request)
        session.format = subprotocol.flatMap(MessageFormat.init(subprotocol:)) ?? .binary
        if opening.mayDeflate(route.policy) {
            session.deflate = DeflateAgreement.negotiate(request.extensions)
            if session.deflate != nil { session.turnAccount.expected = Work.unknownPacked }
        }
        session.connection = ServerConnection(
            limits: FrameLimits(messageBytesMax: access.limits.messageBytes),
            deflate: session.deflate == nil ? nil : workshop.codec)
        if !opening.hasSent101 {
            addRaw(session) {
                UpgradeResponse.write(
                    to: request, subprotocol: subprotocol, deflate: session.deflate, into: &$0)
            }
        }
        session.phase = .open
        session.httpStatus = 101
        spent &+= Work.opening
        // A thousand bytes of it may be a megabyte.
        if session.deflate != nil { session.turnAccount.expected = Work.heavy }
        session.inFlightMax = access.limits.commandsInFlight
        session.unsentMax = access.limits.unsentBytes
        session.pace = CommandPace(perSecond: access.limits.commandsPerSecond)
        if !session.speaksMessages {
            session.keepalive.begin(
                intervalMilliseconds: jittered(route.policy.keepalive.intervalMilliseconds))
        }
        effects.append(
            .event(
                .opened(
                    SessionOpened(
                        session: session.id, route: route.id,
                        isJSON: session.format != .binary, unsentBytesMax: session.unsentMax))))
        counts.accepted[route.id, default: 0] += 1
        log(.info, session, "opened" + (subprotocol.map { " with \($0)" } ?? ""))
    }

    /// Spread by a tenth either way, so that sessions opened together are not pinged together.
    private func jittered(_ milliseconds: Int64) -> Int64 {
        let tenth = milliseconds / 10
        guard tenth > 0 else { return milliseconds }
        return milliseconds - tenth + Int64.random(in: 0...2 * tenth, using: &random)
    }

    // MARK: Refusal

    /// Answers with a status instead of the 101, or with a Close frame where the host has sent
    /// the 101 already.
    /// - Parameter what: of the client's request, for the log alone: the one who is to allow it
    ///   must know it.
    func refuse(
        _ session: Session, _ rejection: HTTPRejection, route: String = "", for what: String = ""
    ) {
        let opening = session.handshake?.opening
        counts.rejected[.init(route: route, reason: rejection.kind.rawValue), default: 0] += 1
        log(
            .warning, session,
            "refused with \(rejection.status) (\(rejection.kind.rawValue)): \(rejection.text)"
                + (what.isEmpty ? "" : ": \(Self.quoted(what))"))
        session.handshake = nil
        session.closeReason = rejection.text
        session.endsAt = now.adding(milliseconds: Self.closeMilliseconds)
        if opening?.hasSent101 == true {
            let code =
                switch rejection.kind {
                case .limit: CloseCode.tryAgainLater
                case .draining: drainCode
                default: CloseCode.policyViolation
                }
            session.closeCode = code.rawValue
            addRaw(session) { FrameWriter.close(code, reason: rejection.text, into: &$0) }
        } else {
            session.httpStatus = rejection.status
            addRaw(session) { rejection.write(into: &$0) }
        }
        session.phase = .refusing
        schedule(session)
    }
}

extension SessionOpening {
    /// Whether an extension that the request names is to be spoken.
    fileprivate func mayDeflate(_ policy: RoutePolicy) -> Bool {
        switch start {
        case .accepted, .head: policy.compression
        case .agreed: true
        case .answered: false
        }
    }
}
