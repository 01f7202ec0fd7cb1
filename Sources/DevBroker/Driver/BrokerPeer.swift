import Bytes
import EventLoop
import Glibc

/// A client's socket: bytes in and out, nothing else.
final class BrokerPeer: ReadinessHandler {
    private static let readsPerTurnMax = 8
    private static let vectorsMax = 16

    private unowned let server: BrokerServer
    private let transport: any StreamTransport
    private(set) var id: ClientConnectionID?
    private let broker: Int32
    private var registration: Registration?
    private var interest: Interest = .read
    private var isHandshaking = true
    private var output: [ByteBlock] = []
    /// How much of `output[firstBlock]` has been written.
    private var written = 0
    private var firstBlock = 0
    private var closesWhenWritten = false
    private var isClosed = false

    init(_ server: BrokerServer, _ transport: any StreamTransport, broker: Int32) {
        self.server = server
        self.transport = transport
        self.broker = broker
    }

    func start() {
        do throws(SystemError) {
            registration = try server.loop.add(transport.descriptor, .read, handler: self)
        } catch {
            transport.close()
            isClosed = true
            return
        }
        ready(.readable)
    }

    func ready(_ readiness: Readiness) {
        guard !isClosed else { return }
        if isHandshaking { return shakeHands() }
        if readiness.contains(any: [.writable, .failed]) { flush() }
        if !isClosed, let id {
            // A client that is not read from and hangs up would be told of turn after turn.
            let isGone = readiness.contains(any: [.readHangup, .failed])
            if isGone && !server.cluster.wantsInput(id) { close() } else { read() }
        }
        server.perform()
        updateInterest()
    }

    private func shakeHands() {
        switch transport.handshake() {
        case .done:
            isHandshaking = false
            guard let id = server.opened(self, broker: broker) else { return close() }
            self.id = id
            ready(.readable)
        case .wantsRead: wait(for: .read)
        case .wantsWrite: wait(for: [.read, .write])
        case .failed(let failure):
            server.report("a client of broker \(broker) failed its handshake: \(failure.text)")
            close()
        }
    }

    private func read() {
        guard let id else { return }
        for _ in 0..<Self.readsPerTurnMax {
            guard !isClosed, !closesWhenWritten, server.cluster.wantsInput(id) else { return }
            switch transport.read(into: server.input) {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: server.input[..<count])
                server.cluster.receive(id, bytes, now: server.loop.now)
                server.perform()
                if count < server.input.count && !transport.hasBufferedInput { return }
            case .wouldBlock: return
            case .end, .failed: return close()
            }
        }
    }

    func send(_ block: ByteBlock) { output.append(block) }

    /// Closes once everything has been written.
    func finish() {
        closesWhenWritten = true
        flush()
    }

    /// Writes what the socket takes.
    func flush() {
        guard !isClosed else { return }
        while firstBlock < output.count || transport.hasPendingOutput {
            let result = firstBlock < output.count ? writeBlocks() : transport.flush()
            switch result {
            case .bytes(let count):
                advance(count)
                if firstBlock == output.count && transport.hasPendingOutput && count == 0 { break }
            case .wouldBlock: return updateInterest()
            case .failed: return close()
            }
        }
        output.removeAll(keepingCapacity: true)
        firstBlock = 0
        written = 0
        if closesWhenWritten { return close() }
        updateInterest()
    }

    private func writeBlocks() -> WriteResult {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorsMax) { vectors in
            var count = 0
            var skip = written
            for block in output[firstBlock...].prefix(Self.vectorsMax) {
                vectors[count] = iovec(
                    iov_base: block.mutableBytes.baseAddress.map { $0 + skip },
                    iov_len: block.count - skip)
                skip = 0
                count += 1
            }
            return transport.write(UnsafeBufferPointer(rebasing: vectors[..<count]))
        }
    }

    private func advance(_ count: Int) {
        written += count
        while firstBlock < output.count, written >= output[firstBlock].count {
            written -= output[firstBlock].count
            firstBlock += 1
        }
    }

    private func updateInterest() {
        guard !isClosed, !isHandshaking, let id else { return }
        var wanted: Interest = server.cluster.wantsInput(id) ? .read : .readHangup
        if firstBlock < output.count || transport.hasPendingOutput { wanted.insert(.write) }
        wait(for: wanted)
    }

    private func wait(for wanted: Interest) {
        guard wanted != interest, let registration else { return }
        interest = wanted
        server.loop.modify(registration, wanted)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if let registration { server.loop.remove(registration) }
        transport.close()
        server.closed(self)
    }
}
