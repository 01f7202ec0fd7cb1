import CShims
import EventLoop
import Glibc
import Synchronization

/// Opens when it was counted down to zero; threads can wait for that.
final class Latch: Sendable {
    private let left: Mutex<Int>
    /// Readable when open: poll(2) is a wait with a time limit that needs no clock of its own.
    private let descriptor: Int32

    init(count: Int) throws(Failure) {
        let descriptor = cshims_eventfd()
        guard descriptor >= 0 else { throw Failure(SystemError("eventfd", errno: errno)) }
        cshims_descriptor_track(descriptor)
        self.descriptor = descriptor
        left = Mutex(count)
    }

    deinit {
        Socket.close(descriptor)
    }

    var isOpen: Bool { left.withLock { $0 <= 0 } }

    func countDown() {
        left.withLock { left in
            left -= 1
            if left == 0 { cshims_queue_signal(descriptor) }
        }
    }

    /// False: the time is over.
    func wait(milliseconds: Int64) -> Bool {
        let end = MonotonicClock.now().adding(milliseconds: milliseconds)
        while !isOpen {
            let rest = end.milliseconds(since: MonotonicClock.now())
            if rest == 0 { return isOpen }
            var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&interest, 1, Int32(clamping: rest))
        }
        return true
    }
}
