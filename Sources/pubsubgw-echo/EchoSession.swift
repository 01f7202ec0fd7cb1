import Bytes
import EventLoop
import WebSocketProtocol

/// One connection. The loop holds it as long as it is registered.
final class EchoSession: ReadinessHandler {
    enum Phase {
        /// The request is not complete.
        case handshake
        /// Messages go back and forth.
        case open
        /// Nothing more will be said; what was said is still to leave.
        case leaving
        /// We have ended our direction, and wait for the peer to end his: closing at once with
        /// bytes unread would reset the connection and take our Close frame with it.
        case lingering
        case closed
    }

    let server: EchoServer
    let transport: PlainTransport
    var phase = Phase.handshake
    var parser: UpgradeParser?
    var connection: ServerConnection
    var agreement: DeflateAgreement?
    var output = EchoOutput()
    /// Input that came behind what the peer has to read first.
    var backlog = ByteWriter()
    private var registration: Registration?
    private var interest = Interest.read
    private var deadline: TimerID?

    init(_ server: EchoServer, _ transport: PlainTransport) {
        self.server = server
        self.transport = transport
        parser = UpgradeParser()
        connection = ServerConnection(limits: server.settings.frames)
    }

    func start() {
        do throws(SystemError) {
            registration = try server.loop.add(transport.descriptor, .read, handler: self)
            limit(milliseconds: server.settings.handshakeMilliseconds)
        } catch {
            close()
        }
    }

    func ready(_ readiness: Readiness) {
        if !output.isEmpty, readiness.contains(any: [.writable, .failed]) { flush() }
        if phase != .closed, output.isEmpty, readiness.contains(any: [.readable, .failed]) {
            read()
        }
        settle()
    }

    private func read() {
        switch transport.read(into: server.input) {
        case .bytes(let count):
            received(UnsafeMutableRawBufferPointer(rebasing: server.input[..<count]))
        case .wouldBlock: break
        case .end, .failed: close()
        }
    }

    /// Works on until the input is used up or the peer has to read.
    func settle() {
        while phase == .open && output.isEmpty && !backlog.isEmpty {
            let held = backlog.take()
            received(held.mutableBytes)
        }
        if phase == .leaving && output.isEmpty {
            phase = .lingering
            transport.finish()
        }
        guard phase != .closed, let registration else { return }
        let wanted: Interest = output.isEmpty ? .read : .write
        if wanted != interest {
            interest = wanted
            server.loop.modify(registration, wanted)
        }
    }

    /// The one deadline of the phase; an earlier one is forgotten. Without an action it closes.
    func limit(milliseconds: Int64, _ action: (() -> Void)? = nil) {
        unlimit()
        deadline = server.loop.schedule(afterMilliseconds: milliseconds) { [unowned self] in
            deadline = nil
            if let action { action() } else { close() }
        }
    }

    var isLimited: Bool { deadline != nil }

    func unlimit() {
        if let deadline { server.loop.cancel(deadline) }
        deadline = nil
    }

    /// Says no more. The peer has a few seconds to take what was said.
    func leave() {
        guard phase != .closed else { return }
        phase = .leaving
        parser = nil
        backlog = ByteWriter()
        limit(milliseconds: server.settings.closeMilliseconds)
    }

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        unlimit()
        if let registration { server.loop.remove(registration) }
        transport.close()
    }
}
