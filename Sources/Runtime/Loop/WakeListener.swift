import CShims
import EventLoop

/// The unix socket of a queue, for hosts that cannot wait for a descriptor: whoever is connected
/// gets a byte when events begin to wait.
final class WakeListener {
    static let connectionsMax = 8

    private let socket: ListeningSocket
    private unowned let loop: EventLoop
    private weak let queue: EventQueue?
    private var listener: Listener?
    private var connections: [WakeConnection] = []

    init(_ socket: ListeningSocket, _ queue: EventQueue, loop: EventLoop) throws(SystemError) {
        self.socket = socket
        self.queue = queue
        self.loop = loop
        listener = try Listener(socket.descriptor, loop: loop) { [unowned self] in accept($0) }
    }

    func isOf(_ queue: EventQueue) -> Bool { self.queue === queue }

    private func accept(_ descriptor: Int32) {
        guard connections.count < Self.connectionsMax, let queue,
            let connection = try? WakeConnection(descriptor, loop: loop, owner: self)
        else { return Socket.close(descriptor) }
        connections.append(connection)
        if !queue.add(waker: descriptor) { forget(connection) }
    }

    func forget(_ connection: WakeConnection) {
        connections.removeAll { $0 === connection }
        queue?.remove(waker: connection.descriptor)
        connection.close()
    }

    func close() {
        for connection in connections { forget(connection) }
        listener?.close()
        listener = nil
        socket.removeFile()
        queue?.endWakeListening()
    }
}

/// One who waits. What he writes is ignored.
final class WakeConnection: ReadinessHandler {
    let descriptor: Int32
    private unowned let loop: EventLoop
    private unowned let owner: WakeListener
    private var registration: Registration?

    init(_ descriptor: Int32, loop: EventLoop, owner: WakeListener) throws(SystemError) {
        self.descriptor = descriptor
        self.loop = loop
        self.owner = owner
        registration = try loop.add(descriptor, .read, handler: self)
    }

    func ready(_ readiness: Readiness) {
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            switch Socket.read(descriptor, into: buffer) {
            case .bytes, .wouldBlock: return
            case .end, .failed: owner.forget(self)
            }
        }
    }

    func close() {
        guard let registration else { return }
        self.registration = nil
        loop.remove(registration)
        Socket.close(descriptor)
    }
}

extension GatewayLoop {
    func wakeListen(_ socket: ListeningSocket, _ queue: EventQueue) {
        do throws(SystemError) {
            wakeListeners.append(try WakeListener(socket, queue, loop: loop))
        } catch {
            log(.error, "listening for a queue: \(error)")
            queue.endWakeListening()
            socket.close()
        }
    }

    func endWakeListening(_ queue: EventQueue) {
        for listener in wakeListeners where listener.isOf(queue) { listener.close() }
        wakeListeners.removeAll { $0.isOf(queue) }
    }
}
