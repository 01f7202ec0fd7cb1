import CShims
import EventLoop
import GatewayCore

/// A socket that is closed for writing and read to its end, so that a reset does not overtake what
/// was sent last.
final class LingeringSocket: ReadinessHandler {
    /// Reads of one turn; a flooding peer must not hold the loop.
    private static let readsPerTurnMax = 8

    private let id: SessionID
    private let descriptor: Int32
    /// The descriptor stays the host's.
    private let isLent: Bool
    private let identity: UInt64?
    private unowned let driver: GatewayLoop
    private var registration: Registration?
    private var timer: TimerID?
    /// Told at the end, with which a lent descriptor is the host's again.
    var closed: (HostSession, QueueEvent)?

    init?(_ client: ClientSocket, driver: GatewayLoop) {
        id = client.id
        descriptor = client.descriptor
        isLent = client.isLent
        identity = client.identity
        self.driver = driver
        Socket.shutdownWriting(descriptor)
        guard let registration = try? driver.loop.add(descriptor, .read, handler: self) else {
            if !isLent { Socket.close(descriptor) }
            return nil
        }
        self.registration = registration
        timer = driver.loop.schedule(afterMilliseconds: driver.limits.lingerMilliseconds) {
            [weak self] in self?.end()
        }
    }

    var isIntact: Bool { Socket.identity(descriptor) == identity }

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
        if isIntact {
            driver.loop.remove(registration)
            Socket.shutdownBoth(descriptor)
            if !isLent { Socket.close(descriptor) }
        } else {
            // The host has closed it meanwhile, and its number may be anybody's.
            driver.loop.forget(registration)
            if !isLent { cshims_descriptor_untrack(descriptor) }
        }
        if let (session, event) = closed { driver.gateway.directory.end(session, event) }
        driver.lingerEnded(self, id)
    }
}

extension GatewayLoop {
    func linger(_ client: ClientSocket) {
        guard let socket = LingeringSocket(client, driver: self) else { return }
        lingering[ObjectIdentifier(socket)] = socket
        if client.isLent { lingeringLent[client.id] = socket }
    }

    func lingerEnded(_ socket: LingeringSocket, _ id: SessionID) {
        lingering[ObjectIdentifier(socket)] = nil
        lingeringLent[id] = nil
        checkDrained()
    }
}
