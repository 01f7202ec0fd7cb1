import Bytes
import WebSocketProtocol

/// From received bytes to replies.
extension EchoSession {
    func received(_ bytes: UnsafeMutableRawBufferPointer) {
        switch phase {
        case .handshake: handshake(bytes)
        case .open: frames(bytes)
        case .leaving, .lingering, .closed: return
        }
        flush()
    }

    private func handshake(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let progress = parser?.feed(UnsafeRawBufferPointer(bytes)) else { return }
        switch progress {
        case .needMore: return
        // It was not asked for them.
        case .post: break
        case .rejected(let rejection): refuse(rejection)
        case .request(let request, let consumed):
            guard server.settings.origins.allows(request) else { return refuse(.foreignOrigin) }
            open(request)
            // A client may send its first frames along with the request.
            frames(UnsafeMutableRawBufferPointer(rebasing: bytes[consumed...]))
        }
    }

    private func refuse(_ rejection: HTTPRejection) {
        rejection.write(into: &server.cork)
        leave()
    }

    private func open(_ request: UpgradeRequest) {
        unlimit()
        parser = nil
        phase = .open
        if server.settings.isDeflating {
            agreement = DeflateAgreement.negotiate(request.extensions)
            connection = ServerConnection(
                limits: server.settings.frames, deflate: agreement == nil ? nil : server.deflate)
        }
        UpgradeResponse.write(
            to: request,
            subprotocol: Subprotocol.choose(offered: request.protocols, supported: []),
            deflate: agreement, into: &server.cork)
    }

    private func frames(_ bytes: UnsafeMutableRawBufferPointer) {
        var input = MutableInput(bytes)
        do throws(WebSocketError) {
            while let event = try connection.next(&input) {
                reply(event)
                if server.cork.count + output.count > server.settings.unsentBytesMax {
                    flush()
                    guard output.isEmpty else { break }
                }
            }
        } catch {
            connection.close(error.closeCode, reason: error.text, into: &server.cork)
            return leave()
        }
        if connection.isClosed { return leave() }
        backlog.bytes(UnsafeRawBufferPointer(input.rest))
        if connection.isInsideOfMessage != isLimited { limitMessage() }
    }

    /// One deadline for a whole message, however often its bytes come.
    private func limitMessage() {
        guard connection.isInsideOfMessage else { return unlimit() }
        limit(milliseconds: server.settings.messageMilliseconds) { [unowned self] in
            connection.close(
                .policyViolation, reason: "the message is not complete in time",
                into: &server.cork)
            leave()
            flush()
            settle()
        }
    }

    private func reply(_ event: Event) {
        guard case .message(let opcode, let payload) = event else {
            return connection.answer(event, into: &server.cork)
        }
        if let agreement {
            return server.deflate.write(opcode, payload, agreement, into: &server.cork)
        }
        if payload.count <= EchoServer.corkedBytesMax {
            return FrameWriter.frame(opcode, payload, into: &server.cork)
        }
        FrameWriter.header(opcode, length: payload.count, into: &server.cork)
        flush(payload)
    }

    /// Sends the cork, and `payload` behind it.
    func flush(_ payload: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
        guard phase != .closed else { return server.cork.removeAll() }
        if !output.send(&server.cork, payload, to: transport) { close() }
    }
}
