import EventLoop
import Synchronization

/// A descriptor on its way to a loop, inside of a job. If the loop ends before it runs the job, the
/// descriptor is closed with it.
final class DescriptorInTransit: Sendable {
    private let descriptor: Atomic<Int32>

    init(_ descriptor: Int32) { self.descriptor = Atomic(descriptor) }

    deinit {
        let descriptor = take()
        guard descriptor >= 0 else { return }
        Socket.shutdownBoth(descriptor)
        Socket.close(descriptor)
    }

    /// The descriptor, which is the caller's from now on; -1 if it was taken before.
    func take() -> Int32 { descriptor.exchange(-1, ordering: .relaxed) }
}
