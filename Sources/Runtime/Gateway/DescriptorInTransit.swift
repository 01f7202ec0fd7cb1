import EventLoop
import Synchronization

/// A descriptor on its way to a loop, inside of a job. If the loop ends before it runs the job, the
/// session ends with it.
final class DescriptorInTransit: Sendable {
    let session: HostSession
    private let descriptor: Atomic<Int32>
    private let directory: SessionDirectory

    init(_ descriptor: Int32, _ session: HostSession, _ directory: SessionDirectory) {
        self.descriptor = Atomic(descriptor)
        self.session = session
        self.directory = directory
        directory.add(session)
    }

    deinit {
        let descriptor = take()
        guard descriptor >= 0 else { return }
        Socket.shutdownBoth(descriptor)
        if !session.isBorrowed { Socket.close(descriptor) }
        var event = session.event(.closed)
        event.code = 1006
        event.text = "the gateway stops"
        directory.end(session, event)
    }

    /// The descriptor, which is the caller's from now on; -1 if it was taken before.
    func take() -> Int32 { descriptor.exchange(-1, ordering: .relaxed) }
}
