import EventLoop
import GatewayCore
import Glibc

/// One session's way to its client, as its loop sees it: a socket, or the host.
class ClientPort {
    let id: SessionID
    let session: HostSession
    /// Which owns this: it need not be asked, for each message, whether it is still there.
    unowned(unsafe) let driver: GatewayLoop

    /// The engine takes no input now; who leaves meanwhile has to be noticed.
    final var isPaused = false { didSet { if isPaused != oldValue { readingChanged() } } }
    /// Output waits that was not taken.
    final var wantsWrite = false { didSet { if wantsWrite != oldValue { wantsWriteChanged() } } }
    /// The engine was told so; what the client has left behind may not have been looked at.
    final var hasLeft = false
    final var hasFailed = false
    /// Waits for the end of the turn.
    final var isDirty = false

    init(_ session: HostSession, driver: GatewayLoop) {
        id = SessionID(raw: session.id)
        self.session = session
        self.driver = driver
    }

    var isOpen: Bool { preconditionFailure("of a subclass") }

    func readingChanged() {}
    func wantsWriteChanged() {}

    /// Bytes that were taken; negative: it failed.
    func write(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        preconditionFailure("of a subclass")
    }
    /// Behind the writes of a turn.
    func endWrites() {}

    /// The engine knows the session no more.
    func close(linger: Bool) { preconditionFailure("of a subclass") }
}
