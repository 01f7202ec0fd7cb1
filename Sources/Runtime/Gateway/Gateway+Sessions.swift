import GatewayCore
import WebSocketProtocol

// What the host does with sessions that are open.
extension Gateway {
    /// The longest reason of a Close frame (RFC 6455 section 5.5).
    private static let reasonBytesMax = 123

    func session(_ id: UInt64) throws(Failure) -> HostSession {
        guard let session = directory.find(id), !session.isForgotten else { throw Self.gone(id) }
        return session
    }

    static func gone(_ id: UInt64) -> Failure {
        Failure(.gone, "session \(id) has ended or never was")
    }

    /// The loop that a session lives on; nil: it has ended.
    func loop(of id: UInt64) -> LoopHandle? {
        loops.first { $0.index == LoopHandle.index(of: id) }
    }

    public func close(session id: UInt64, code: Int32, reason: String) throws(Failure) {
        guard let code = UInt16(exactly: code), code != CloseCode.protocolError.rawValue,
            CloseCode(rawValue: code).isAllowedOnTheWire
        else { throw Failure(.invalid, "ws_code \(code) is none that a host may close with") }
        guard reason.utf8.count <= Self.reasonBytesMax else {
            throw Failure(.invalid, "reason is longer than \(Self.reasonBytesMax) bytes")
        }
        let session = try session(id)
        let isPosted = loop(of: id)?.post {
            $0.close(SessionID(raw: session.id), code: code, reason: reason)
        }
        if isPosted != true { throw Self.gone(id) }
    }

    /// No later poll tells of the session. A lent descriptor is the host's again on return.
    public func forget(session id: UInt64) throws(Failure) {
        let session = directory.find(id)
        session?.forget()
        var wasWaiting = false
        for queue in queues where queue.forget(session: id) { wasWaiting = true }
        guard let session else {
            if wasWaiting { return }
            throw Self.gone(id)
        }
        if let event = session.pipe?.cut() { end(session, event) }
        guard let loop = loop(of: id) else { return }
        guard session.isBorrowed else {
            loop.post { $0.letGo(session) }
            return
        }
        guard !loop.isCurrent else {
            throw Failure(.state, "the session's own thread cannot wait for itself")
        }
        // No answer while the session lives: the loop is held up.
        if loop.ask({ $0.letGo(session) }) == nil, directory.find(id) != nil {
            throw Failure(.timeout, "the session's thread did not let go of its descriptor in time")
        }
    }
}
