import Timing
import WebSocketProtocol

/// Time limits of sessions. Messages only note when they came: a deadline that they put off is
/// found to be early when it is due, and put up again.
extension GatewayEngine {
    /// Makes sure that the session is looked at when its next deadline is due.
    func schedule(_ session: Session) {
        let deadline = deadline(of: session)
        guard deadline < session.scheduledAt else { return }
        session.scheduledAt = deadline
        timers.insert(session.id, at: deadline)
    }

    private func deadline(of session: Session) -> Instant {
        switch session.phase {
        case .handshake: return session.handshake?.endsAt ?? .distantFuture
        case .closing, .refusing: return session.endsAt
        case .over: return .distantFuture
        case .posting: return session.post.map { $0.isAsked ? .distantFuture : $0.endsAt } ?? now
        case .open:
            var first = min(session.drainsAt, idleEnd(session), slowEnd(session))
            first = min(first, pingDue(session), unfinishedEnd(session))
            first = min(first, session.desk?.hosted.firstEnd ?? .distantFuture)
            for subscription in session.desk?.subscriptions.values ?? [:].values {
                first = min(first, subscription.deadline)
            }
            return first
        }
    }

    private func keepalive(_ session: Session) -> KeepaliveSettings {
        session.service?.route.policy.keepalive ?? KeepaliveSettings()
    }

    private func idleEnd(_ session: Session) -> Instant {
        let idle = session.limits.idleMilliseconds
        return idle > 0 ? session.lastMessage.adding(milliseconds: idle) : .distantFuture
    }

    /// How long a peer may take nothing while output waits for it: as long as one that is silent.
    private func slowEnd(_ session: Session) -> Instant {
        guard let since = session.blockedSince else { return .distantFuture }
        let settings = keepalive(session)
        let interval = settings.intervalMilliseconds > 0 ? settings.intervalMilliseconds : 30_000
        return since.adding(milliseconds: interval + settings.timeoutMilliseconds)
    }

    /// A peer that we don't read from cannot answer a ping; it is judged by what it takes.
    private func pingDue(_ session: Session) -> Instant {
        guard !session.isHeld else { return .distantFuture }
        return session.keepalive.due(
            timeoutMilliseconds: keepalive(session).timeoutMilliseconds)
    }

    /// A deadline of the session may be due.
    func look(after session: Session) {
        switch session.phase {
        case .handshake: lookAfterHandshake(session)
        case .closing, .refusing:
            if session.endsAt <= now { end(session, lingers: false) }
        case .posting:
            if let post = session.post, !post.isAsked, post.endsAt <= now {
                counts.limitHits["message_ms", default: 0] += 1
                giveUpPost(session, .late)
            }
        case .open: lookAfterOpen(session)
        case .over: return
        }
        if session.phase != .over { schedule(session) }
    }

    private func lookAfterHandshake(_ session: Session) {
        guard session.handshake?.endsAt ?? now <= now else { return }
        counts.rejected[.init(route: "", reason: "timeout"), default: 0] += 1
        counts.limitHits["handshake_ms", default: 0] += 1
        session.closeReason = "no request in time"
        log(.warning, session, "refused: no request in time")
        end(session, lingers: false)
    }

    private func lookAfterOpen(_ session: Session) {
        if session.drainsAt <= now {
            return closeForDrain(session)
        }
        if idleEnd(session) <= now {
            counts.limitHits["idle_ms", default: 0] += 1
            return close(session, .idle, "no message for \(session.limits.idleMilliseconds) ms")
        }
        if unfinishedEnd(session) <= now { return closeUnfinished(session) }
        if slowEnd(session) <= now { return closeSlow(session) }
        if pingDue(session) <= now { ping(session) }
        expireHostCommands(session)
        guard let desk = session.desk else { return }
        for subscription in desk.subscriptionsInOrder where subscription.deadline <= now {
            look(after: subscription, of: session)
        }
    }

    /// Nothing can be said to a peer that takes nothing: the code is for the host and the metric.
    private func closeSlow(_ session: Session) {
        counts.limitHits["slow", default: 0] += 1
        session.closeCode = GatewayFault.tooSlow.closeCode?.rawValue ?? 0
        session.closeReason = "the client does not read"
        end(session, lingers: false)
    }

    private func ping(_ session: Session) {
        switch session.keepalive.take(now) {
        case .ping: addRaw(session) { FrameWriter.header(.ping, length: 0, into: &$0) }
        case .gone:
            counts.limitHits["ping", default: 0] += 1
            close(session, .noPong, "no answer to a ping")
        }
    }
}
