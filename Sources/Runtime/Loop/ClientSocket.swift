import EventLoop
import GatewayCore
import Glibc

/// The socket of one session in its loop. It waits for what it needs, and no more: the epoll is
/// only told when that changes, never per message.
final class ClientSocket: ReadinessHandler {
    let id: SessionID
    let descriptor: Int32
    /// The host goes on owning the descriptor: it is never closed here.
    let isLent: Bool
    private unowned let driver: GatewayLoop
    private var registration: Registration?

    /// The engine takes no input now.
    var isPaused = false { didSet { if isPaused != oldValue { update() } } }
    /// The kernel's buffer is full.
    var wantsWrite = false { didSet { if wantsWrite != oldValue { update() } } }
    /// The client has said that nothing more comes.
    var hasEnded = false { didSet { update() } }
    var hasFailed = false
    /// Waits for the end of the turn.
    var isDirty = false

    var isOpen: Bool { registration != nil }

    init(_ id: SessionID, _ descriptor: Int32, isLent: Bool, driver: GatewayLoop) {
        self.id = id
        self.descriptor = descriptor
        self.isLent = isLent
        self.driver = driver
    }

    func start(_ loop: EventLoop) throws(SystemError) {
        registration = try loop.add(descriptor, interest, handler: self)
    }

    func stop(_ loop: EventLoop) {
        guard let registration else { return }
        self.registration = nil
        loop.remove(registration)
    }

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

    /// Bytes that the socket took; negative: it failed.
    func write(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        switch Socket.write(descriptor, vectors) {
        case .bytes(let count): return count
        case .wouldBlock: return 0
        case .failed:
            hasFailed = true
            return -1
        }
    }
}
