import Bytes
import KafkaCore
import PubSubProtocol
import Timing
import WebSocketProtocol

/// CmdProduce in a request of its own: `POST` on the route, its JSON in the body, the reply's in
/// the response. Rights, limits and Origin rules are those of a WebSocket on the same route.
extension GatewayEngine {
    func admit(_ session: Session, _ request: PostRequest, _ opening: SessionOpening) {
        guard !isDraining else {
            return refuse(session, .unavailable(.draining, "the gateway is shutting down"))
        }
        guard let route = admitted(session, request, opening) else { return }
        session.format = .text
        session.inFlightMax = 1
        session.httpStatus = 0
        spent &+= Work.opening
        let limits = session.limits
        let time = limits.messageMilliseconds
        let post = PostInProgress(
            request, endsAt: time > 0 ? now.adding(milliseconds: time) : .distantFuture)
        session.post = post
        session.phase = .posting
        guard session.access?.commands.contains(.produce) == true else {
            tally.add(.produce, .notAllowed, microseconds: 0)
            return answer(session, post, .notAllowed, "the command produce is not allowed here")
        }
        guard request.length <= limits.messageBytes else {
            counts.limitHits["message_bytes", default: 0] += 1
            return answer(
                session, post, .messageTooBig,
                "limits.message_bytes: at most \(limits.messageBytes)")
        }
        log(.debug, session, "POST on \(route.id), \(request.length) bytes")
        if request.expectsContinue { addRaw(session) { HTTPAnswer.writeContinue(into: &$0) } }
        schedule(session)
        takeBody(session, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// nil: refused.
    private func admitted(
        _ session: Session, _ request: PostRequest, _ opening: SessionOpening
    ) -> Route? {
        let route: Route
        do throws(AdmissionRefusal) {
            route = try table.admit(request, opening)
        } catch {
            refuse(session, error.rejection, route: error.route, for: error.what)
            return nil
        }
        guard enter(session, route, opening) else { return nil }
        guard route.policy.produce.takesPosts else {
            refuse(session, .method, route: route.id)
            return nil
        }
        return route
    }

    func takeBody(_ session: Session, _ bytes: UnsafeRawBufferPointer) {
        guard let post = session.post, !post.isAsked else { return }
        post.take(bytes)
        spent &+= Work.received(bytes.count)
        account(session)
        guard post.isWhole else {
            if owesTooMuch(session) { pauseReading(session) }
            return
        }
        post.isAsked = true
        counts.messagesIn &+= 1
        session.lastMessage = now
        spent &+= Work.command
        post.body.withUnsafeBytes { ask(session, post, $0) }
        post.letGoOfBody()
        account(session)
    }

    private func ask(
        _ session: Session, _ post: PostInProgress, _ body: UnsafeRawBufferPointer
    ) {
        do throws(MalformedMessage) {
            let request = try PubSubRequest.decodeProduce(
                body, as: session.format,
                limits: session.access?.requestLimits ?? RequestLimits())
            guard case .produce(let produce) = request.command else { return }
            self.produce(session, request, produce, body)
        } catch {
            let fault: GatewayFault = error.code == .limit ? .limit : .malformed
            tally.add(.malformed, fault, microseconds: 0)
            answer(session, .error(ErrorReply(error)), fault)
        }
    }

    // MARK: Answers

    private func answer(
        _ session: Session, _ post: PostInProgress, _ fault: GatewayFault, _ text: String
    ) {
        post.isAsked = true
        answer(session, .error(ErrorReply(fault.replyCode ?? .limit, text)), fault)
    }

    /// The only answer that this session gets.
    func answer(_ session: Session, _ reply: Reply, _ fault: GatewayFault?) {
        guard let post = session.post, session.phase == .posting else { return }
        var body = ByteWriter()
        reply.writeBody(as: session.format, into: &body)
        body.uint8(UInt8(ascii: "\n"))
        counts.messagesOut &+= 1
        session.lastMessage = now
        var status = 200
        if case .error = reply { status = fault?.httpStatus ?? 500 }
        session.httpStatus = status
        let answer = HTTPAnswer(status: status, body: body.array, origin: post.request.origin)
        addRaw(session) { answer.write(into: &$0) }
        session.endsAt = now.adding(milliseconds: Self.closeMilliseconds)
        session.phase = .refusing
        schedule(session)
    }

    /// The body did not come in time, or the gateway goes away before it has.
    func giveUpPost(_ session: Session, _ rejection: HTTPRejection) {
        guard let post = session.post, !post.isAsked else { return }
        post.isAsked = true
        refuse(session, rejection, route: session.service?.route.id ?? "")
    }
}

extension GatewayFault {
    /// Of the response that has its `ErrorResp`.
    var httpStatus: Int {
        switch self {
        case .malformed, .unknownCommand: 400
        case .notAllowed: 403
        case .notFound: 404
        case .messageTooBig: 413
        case .limit: 429
        case .unavailable, .noBroker, .noLeader: 503
        case .timedOut, .throttled, .outcomeUnknown: 504
        default: 500
        }
    }
}
