import EventLoop
import GatewayCore
import Glibc

/// The socket of one session in its loop. It waits for what it needs, and no more: the epoll is
/// only told when that changes, never per message.
final class ClientSocket: ClientPort, ReadinessHandler {
    let descriptor: Int32
    /// The host goes on owning the descriptor: it is never closed here.
    let isLent: Bool
    private var registration: Registration?

    /// The client has said that nothing more comes.
    var hasEnded = false { didSet { update() } }

    override var isOpen: Bool { registration != nil }

    init(_ session: HostSession, _ descriptor: Int32, driver: GatewayLoop) {
        self.descriptor = descriptor
        isLent = session.isBorrowed
        super.init(session, driver: driver)
    }

    func start(_ loop: EventLoop) throws(SystemError) {
        registration = try loop.add(descriptor, interest, handler: self)
    }

    override func close(linger: Bool) {
        if let registration {
            self.registration = nil
            driver.loop.remove(registration)
        }
        if linger && !hasEnded && !hasFailed { return driver.linger(self) }
        // A child that was forked by the host may hold a copy: the peer is told all the same.
        Socket.shutdownBoth(descriptor)
        if !isLent { Socket.close(descriptor) }
    }

    override func pauseChanged() { update() }
    override func wantsWriteChanged() { update() }

    private var interest: Interest {
        var interest: Interest = isPaused || hasEnded ? [] : .read
        if wantsWrite { interest.insert(.write) }
        return interest
    }

    private func update() {
        guard let registration else { return }
        driver.loop.modify(registration, interest)
    }

    func ready(_ readiness: Readiness) {
        if readiness.contains(.writable) { driver.markDirty(self) }
        if readiness.contains(.readable), !isPaused, !hasEnded {
            driver.receive(self)
        } else if readiness.contains(any: .failed) {
            // Reported whatever we wait for; while nothing is read it is the only news.
            let reason = Socket.connectError(descriptor)?.text ?? "connection closed by the client"
            driver.fail(self, reason)
        }
    }

    override func write(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        switch Socket.write(descriptor, vectors) {
        case .bytes(let count): return count
        case .wouldBlock: return 0
        case .failed:
            hasFailed = true
            return -1
        }
    }
}
