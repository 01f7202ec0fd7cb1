import CShims
import EventLoop
import GatewayCore
import Glibc
import Timing

/// The socket of one session in its loop. It waits for what it needs, and no more: the epoll is
/// only told when that changes, never per message.
final class ClientSocket: ClientPort, ReadinessHandler {
    let descriptor: Int32
    /// The host goes on owning the descriptor: it is never closed here.
    let isLent: Bool
    private var registration: Registration?
    /// What it was when it came; nil: it was no socket any more.
    let identity: UInt64?
    /// When it is looked at again before a write.
    private var isCheckedAt: Instant
    /// The age that what is known of it may have: a look costs a tenth of a write.
    private static let checkMilliseconds: Int64 = 1_000

    /// The client has said that nothing more comes.
    var hasEnded = false { didSet { update() } }

    override var isOpen: Bool { registration != nil }

    init(_ session: HostSession, _ descriptor: Int32, driver: GatewayLoop) {
        self.descriptor = descriptor
        isLent = session.isBorrowed
        identity = Socket.identity(descriptor)
        isCheckedAt = driver.loop.now.adding(milliseconds: Self.checkMilliseconds)
        super.init(session, driver: driver)
    }

    func start(_ loop: EventLoop) throws(SystemError) {
        registration = try loop.add(descriptor, interest, handler: self)
    }

    /// False: the host has closed it, against the contract, and its number may be anybody's.
    var isIntact: Bool { identity != nil && Socket.identity(descriptor) == identity }

    override func close(linger: Bool) {
        guard isIntact else { return abandon() }
        if let registration {
            self.registration = nil
            driver.loop.remove(registration)
        }
        if linger && !hasEnded && !hasFailed { return driver.linger(self) }
        // A child that was forked by the host may hold a copy: the peer is told all the same.
        Socket.shutdownBoth(descriptor)
        if !isLent { Socket.close(descriptor) }
    }

    /// Touches the number no more.
    private func abandon() {
        if let registration { driver.loop.forget(registration) }
        registration = nil
        if !isLent { cshims_descriptor_untrack(descriptor) }
        driver.log(
            .error,
            "session \(id): its descriptor \(descriptor) was closed by somebody else in the"
                + " process: it is the library's until the session ends")
    }

    override func readingChanged() { update() }
    override func wantsWriteChanged() { update() }

    private var interest: Interest {
        var interest = hasEnded ? [] : readInterest
        if wantsWrite { interest.insert(.write) }
        return interest
    }

    private var readInterest: Interest {
        if !isPaused { return .read }
        return hasLeft ? [] : .readHangup
    }

    private func update() {
        guard let registration else { return }
        guard isIntact, driver.loop.modify(registration, interest) else { return lose() }
    }

    /// In a turn of its own: the engine may be at work.
    private func lose() {
        hasFailed = true
        let client = LoopBound(self)
        driver.loop.post {
            if client.value.isOpen { client.value.driver.fail(client.value, Self.lost) }
        }
    }

    private static let lost = "the host has closed the descriptor"

    /// By what its session's next turn is expected to cost.
    var rank: UInt8 { driver.engine.rank(of: id) }

    func ready(_ readiness: Readiness) {
        if readiness.contains(.writable) { driver.markDirty(self) }
        if readiness.contains(.readable), !isPaused, !hasEnded {
            driver.receive(self)
        } else if readiness.contains(.readHangup), isPaused, !hasLeft {
            driver.clientLeft(self)
            update()
        } else if readiness.contains(any: .failed) {
            // Reported whatever we wait for; while nothing is read it is the only news.
            let reason = Socket.connectError(descriptor)?.text ?? "connection closed by the client"
            driver.fail(self, reason)
        }
    }

    override func write(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        if driver.loop.now >= isCheckedAt {
            isCheckedAt = driver.loop.now.adding(milliseconds: Self.checkMilliseconds)
            guard isIntact else {
                hasFailed = true
                return -1
            }
        }
        switch Socket.write(descriptor, vectors) {
        case .bytes(let count): return count
        case .wouldBlock: return 0
        case .failed:
            hasFailed = true
            return -1
        }
    }
}
