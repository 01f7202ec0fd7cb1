import EventLoop

/// A socket that is closed for writing and read to its end, so that a reset does not overtake what
/// was sent last.
final class LingeringSocket: ReadinessHandler {
    /// Reads of one turn; a flooding peer must not hold the loop.
    private static let readsPerTurnMax = 8

    private let descriptor: Int32
    private unowned let driver: GatewayLoop
    private var registration: Registration?
    private var timer: TimerID?

    init?(_ descriptor: Int32, driver: GatewayLoop) {
        self.descriptor = descriptor
        self.driver = driver
        Socket.shutdownWriting(descriptor)
        guard let registration = try? driver.loop.add(descriptor, .read, handler: self) else {
            Socket.close(descriptor)
            return nil
        }
        self.registration = registration
        timer = driver.loop.schedule(afterMilliseconds: driver.limits.lingerMilliseconds) {
            [weak self] in self?.end()
        }
    }

    func ready(_ readiness: Readiness) {
        for _ in 0..<Self.readsPerTurnMax {
            switch Socket.read(descriptor, into: driver.inbox) {
            case .bytes: continue
            case .wouldBlock: return
            case .end, .failed: return end()
            }
        }
    }

    func end() {
        guard let registration else { return }
        self.registration = nil
        if let timer { driver.loop.cancel(timer) }
        driver.loop.remove(registration)
        Socket.shutdownBoth(descriptor)
        Socket.close(descriptor)
        driver.lingerEnded(self)
    }
}

extension GatewayLoop {
    func linger(_ descriptor: Int32) {
        guard let socket = LingeringSocket(descriptor, driver: self) else { return }
        lingering[ObjectIdentifier(socket)] = socket
    }

    func lingerEnded(_ socket: LingeringSocket) {
        lingering[ObjectIdentifier(socket)] = nil
        checkDrained()
    }
}
