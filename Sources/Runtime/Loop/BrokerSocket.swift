import Bytes
import CShims
import EventLoop
import Glibc
import KafkaCore
import TLS

/// One connection to a broker: look-up, TCP to whichever address answers, TLS, and then bytes.
final class BrokerSocket: ReadinessHandler {
    enum Phase {
        case preparing, resolving, connecting, handshaking, open, closed
    }

    let id: BrokerConnectionID
    let endpoint: Endpoint
    let settings: ClusterSettings
    /// With what its files held.
    var tls: TLSSettings?
    unowned let driver: GatewayLoop
    private(set) var phase = Phase.preparing
    private var connector: Connector?
    private var timeout: TimerID?
    /// How long the host has for its token.
    var patience: TimerID?
    private(set) var transport: (any StreamTransport)?
    private var registration: Registration?
    /// What the descriptor was when it was opened.
    private var identity: UInt64?
    private var interest = Interest.read

    /// Frames that the socket has not taken.
    var outbox = Outbox()
    var isDirty = false

    /// Of helper threads that work for its login.
    let wish = Wish()
    /// What it waits for of the host.
    var token: (name: String, ticket: UInt64)?

    init(
        _ id: BrokerConnectionID, _ endpoint: Endpoint, _ settings: ClusterSettings,
        driver: GatewayLoop
    ) {
        self.id = id
        self.endpoint = endpoint
        self.settings = settings
        tls = settings.tls
        self.driver = driver
    }

    var loop: EventLoop { driver.loop }

    // MARK: Opening

    func start() {
        let limit = driver.limits.connectTimeoutMilliseconds
        timeout = loop.schedule(afterMilliseconds: limit) { [unowned self] in
            fail(.timedOut, "no connection within \(limit) ms (\(phase))")
        }
        prepare()
    }

    func resolve() {
        phase = .resolving
        let broker = LoopBound(self)
        driver.helpers.resolver.resolve(
            host: endpoint.host, port: endpoint.port, replyTo: loop.mailbox
        ) { broker.value.resolved($0) }
    }

    private func resolved(_ answer: Resolver.Answer) {
        guard phase == .resolving else { return }
        switch answer {
        case .success(let addresses):
            phase = .connecting
            connector = Connector(
                addresses, loop: loop,
                timeoutMilliseconds: driver.limits.connectTimeoutMilliseconds
            ) { [unowned self] in connected($0) }
        case .failure(let failure): fail(.resolve, failure.text)
        }
    }

    private func connected(_ result: Result<Int32, ConnectFailure>) {
        connector = nil
        switch result {
        case .success(let descriptor): open(descriptor)
        case .failure(let failure): fail(Self.kind(failure.error.errno), text(of: failure))
        }
    }

    /// Whoever tells it names the endpoint; which of its addresses it was is news.
    private func text(of failure: ConnectFailure) -> String {
        failure.address?.description == endpoint.description
            ? failure.error.text : failure.description
    }

    private static func kind(_ error: Int32) -> ConnectionFailure.Kind {
        switch error {
        case ECONNREFUSED: .refused
        case ETIMEDOUT: .timedOut
        case ECONNRESET: .reset
        default: .unreachable
        }
    }

    private func open(_ descriptor: Int32) {
        Socket.setNoDelay(descriptor)
        Socket.setKeepAlive(descriptor)
        identity = Socket.identity(descriptor)
        do throws(TLSError) {
            transport = try makeTransport(descriptor)
        } catch {
            Socket.close(descriptor)
            // A pair of files may be in the middle of being replaced.
            let areFiles = settings.tls?.files.isEmpty == false
            return fail(areFiles ? .credentials : .tls, error.text)
        }
        phase = .handshaking
        do throws(SystemError) {
            registration = try loop.add(descriptor, interest, handler: self)
        } catch {
            return fail(.unreachable, error.description)
        }
        shakeHands()
    }

    private func makeTransport(_ descriptor: Int32) throws(TLSError) -> any StreamTransport {
        guard let tls else { return PlainTransport(descriptor) }
        return try TLSTransport(
            client: try driver.tlsContext(tls), descriptor, host: tls.serverName ?? endpoint.host)
    }

    private func shakeHands() {
        guard let transport else { return }
        switch transport.handshake() {
        case .done: opened()
        case .wantsRead: wait(for: .read)
        case .wantsWrite: wait(for: .write)
        case .failed(let failure): fail(failure)
        }
    }

    private func opened() {
        phase = .open
        endTimeout()
        updateInterest()
        driver.brokerOpened(id)
        // TLS may have read more than its handshake.
        if phase == .open, transport?.hasBufferedInput == true { receive() }
    }

    // MARK: Bytes

    func ready(_ readiness: Readiness) {
        if phase == .handshaking { return shakeHands() }
        guard phase == .open else { return }
        if readiness.contains(.writable) { flush() }
        // Errors are learnt by reading.
        if phase == .open, !readiness.isDisjoint(with: [.readable, .failed]) { receive() }
    }

    private func receive() {
        var left = driver.limits.brokerReceiveBytesPerTurn
        while phase == .open, left > 0, let transport {
            let space = driver.engine.brokerReceiveSpace(id)
            let buffer = space ?? driver.inbox
            switch transport.read(into: buffer) {
            case .bytes(let count):
                left -= count
                taken(count, buffer, isOwn: space != nil)
                // A short read has emptied the socket; another call would only say so.
                if count < buffer.count && !transport.hasBufferedInput { return }
            case .wouldBlock: return
            case .end: return fail(.closed, "connection closed by the broker")
            case .failed(let failure): return fail(failure)
            }
        }
        if phase == .open, transport?.hasBufferedInput == true { goOn() }
    }

    /// No descriptor tells of bytes that TLS holds already.
    private func goOn() {
        let broker = LoopBound(self)
        loop.post { broker.value.receive() }
    }

    private func taken(_ count: Int, _ buffer: UnsafeMutableRawBufferPointer, isOwn: Bool) {
        if isOwn {
            driver.engine.brokerDidReceive(id, count, now: loop.now)
        } else {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            driver.engine.brokerReceived(id, bytes, now: loop.now)
        }
        driver.perform()
    }

    /// Writes what waits, as far as the socket takes it.
    func flush() {
        guard phase == .open, let transport else { return }
        if transport.hasPendingOutput, case .failed(let failure) = transport.flush() {
            return fail(failure)
        }
        if let failure = outbox.write(to: transport) { return fail(failure) }
        updateInterest()
    }

    private func updateInterest() {
        let isWaiting = !outbox.isEmpty || transport?.hasPendingOutput == true
        wait(for: isWaiting ? [.read, .write] : .read)
    }

    private func wait(for interest: Interest) {
        guard let registration, interest != self.interest else { return }
        self.interest = interest
        loop.modify(registration, interest)
    }

    // MARK: End

    private func fail(_ failure: TransportFailure) {
        switch failure.kind {
        case .reset: fail(.reset, failure.text)
        case .timedOut: fail(.timedOut, failure.text)
        case .tls: fail(.tls, failure.text)
        case .system: fail(.unreachable, failure.text)
        }
    }

    func fail(_ kind: ConnectionFailure.Kind, _ text: String) {
        driver.brokerFailed(id, ConnectionFailure(kind, text))
    }

    private func endTimeout() {
        if let timeout { loop.cancel(timeout) }
        timeout = nil
    }

    /// Nothing is told afterwards.
    func close() {
        guard phase != .closed else { return }
        phase = .closed
        endTimeout()
        endPreparation()
        connector?.cancel()
        connector = nil
        if isIntact { closeTransport() } else { abandonTransport() }
        registration = nil
        transport = nil
        outbox = Outbox()
    }

    /// False: somebody else in the process has closed it, and its number may be anybody's.
    var isIntact: Bool {
        guard let transport else { return true }
        return identity != nil && Socket.identity(transport.descriptor) == identity
    }

    private func closeTransport() {
        if let registration { loop.remove(registration) }
        guard let transport else { return }
        transport.finish()
        Socket.shutdownBoth(transport.descriptor)
        transport.close()
    }

    private func abandonTransport() {
        if let registration { loop.forget(registration) }
        if let transport { cshims_descriptor_untrack(transport.descriptor) }
    }
}
