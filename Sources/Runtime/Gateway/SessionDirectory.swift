import Synchronization

/// The sessions of a gateway that have not ended for the host: from their opening until their
/// `closed` event is in the queue.
final class SessionDirectory: Sendable {
    private let sessions = Mutex<[UInt64: HostSession]>([:])

    func add(_ session: HostSession) { sessions.withLock { $0[session.id] = session } }

    func find(_ id: UInt64) -> HostSession? { sessions.withLock { $0[id] } }

    /// The last event of a session, once.
    func end(_ session: HostSession, _ event: QueueEvent) {
        guard sessions.withLock({ $0.removeValue(forKey: session.id) }) != nil else { return }
        if session.tellsClosed { session.queue?.push(event) }
    }

    /// A session that never began: its call has failed.
    func remove(_ session: HostSession) {
        sessions.withLock { _ = $0.removeValue(forKey: session.id) }
    }
}
