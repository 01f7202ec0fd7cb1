import GatewayCore
import Glibc

/// A session whose connection is the host's, in its loop.
class PipePort: ClientPort {
    let pipe: HostPipe
    /// Among the driver's ready ports.
    final var isReady = false
    /// Output waits that the host hears of by what its call returns.
    final var answersOutput = false
    private var isClosed = false

    init(_ session: HostSession, _ pipe: HostPipe, driver: GatewayLoop) {
        self.pipe = pipe
        super.init(session, driver: driver)
    }

    override var isOpen: Bool { !isClosed }

    override func readingChanged() {
        pipe.setReadingPaused(isPaused)
        if !isPaused { driver.markReady(self) }
    }

    override func write(_ vectors: UnsafeBufferPointer<iovec>) -> Int { pipe.write(vectors) }

    override func endWrites() {
        guard pipe.tellsOutput() else { return }
        if tellsByReturn { answersOutput = true } else { session.push(session.event(.output)) }
    }

    /// The host waits in a call for this session, and looks at what it returns.
    final var tellsByReturn: Bool { driver.isLent && session.tellsByReturn }

    override func close(linger: Bool) {
        isClosed = true
        pipe.close(lingers: linger && !hasFailed)
    }

    /// Looks at what the host has left.
    func attend() {
        let found = pipe.attend(into: isPaused ? nil : driver.inbox)
        heed(found, UnsafeMutableRawBufferPointer(rebasing: driver.inbox[..<found.count]))
    }

    final func heed(_ found: HostPipe.Attendance, _ bytes: UnsafeMutableRawBufferPointer) {
        if found.hasRoom { driver.markDirty(self) }
        if found.resumes { session.push(session.event(.resume)) }
        take(found, bytes)
        guard isOpen else { return }
        if found.hasEnded { return end() }
        if found.hasMore, !isPaused { driver.markReady(self) }
    }

    /// What the engine has not looked at comes first; this is called again when it reads on.
    private func end() {
        guard isPaused else { return driver.endPipe(self) }
        if !hasLeft { driver.clientLeft(self) }
    }

    func take(_ found: HostPipe.Attendance, _ bytes: UnsafeMutableRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        driver.engine.received(id, bytes, now: driver.loop.now)
        driver.perform()
    }
}
