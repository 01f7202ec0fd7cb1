import EventLoop
import Synchronization

/// A session on its way to a loop, inside of a job. If the loop ends before it runs the job, the
/// session ends with it.
final class SessionInTransit: Sendable {
    let session: HostSession
    /// nil: the host keeps the connection.
    private let descriptor: Int32?
    private let directory: SessionDirectory
    private let isTaken = Atomic<Bool>(false)

    init(_ session: HostSession, descriptor: Int32? = nil, _ directory: SessionDirectory) {
        self.session = session
        self.descriptor = descriptor
        self.directory = directory
        directory.add(session)
    }

    deinit {
        guard take() else { return }
        if let descriptor {
            Socket.shutdownBoth(descriptor)
            if !session.isBorrowed { Socket.close(descriptor) }
        }
        var event = session.event(.closed)
        event.code = 1006
        event.text = "the gateway stops"
        directory.end(session, session.pipe?.finish(event) ?? event)
    }

    /// Whether it is the caller's now; false: it was taken before.
    func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
}
