import GatewayCore

extension Rig {
    /// A session whose host owns WebSocket, on the route `kafka`.
    func openMessages(
        _ subprotocol: String? = nil, _ change: (inout SessionOpening) -> Void = { _ in }
    ) -> TestClient {
        var opening = SessionOpening(
            start: .agreed(key: nil, subprotocol: subprotocol, extensions: nil), routeID: "kafka")
        opening.speaksMessages = true
        change(&opening)
        return open(opening)
    }

    func opened(_ client: TestClient) -> SessionOpened? {
        for case .opened(let opened) in events where opened.session == client.id { return opened }
        return nil
    }

    func push(_ client: TestClient, _ field: Int, _ text: String) {
        guard let push = try? HostPush(field: field, message: Array(text.utf8)) else { return }
        engine.push(client.id, push, now: now)
        settle()
    }
}

extension TestClient {
    /// What the host has read from the client: whole messages.
    func message(_ payload: [UInt8], isText: Bool = false) {
        payload.withUnsafeBytes { rig.engine.message(id, isText: isText, $0, now: rig.now) }
        rig.settle()
    }

    func message(text: String) { message(Array(text.utf8), isText: true) }

    /// The host has seen the client's Close frame.
    func peerClosed(_ code: UInt16?, _ reason: String = "") {
        rig.engine.peerClosed(id, code: code, reason: reason, now: rig.now)
        rig.settle()
    }
}
