import EventLoop
import Timing

/// Runs a `BrokerCluster` on a loop: a listener for each broker, a peer for each client.
public final class BrokerServer {
    public let loop: EventLoop
    public let cluster: BrokerCluster
    /// Makes the stream of an accepted socket: plain, or the server's side of TLS.
    private let transport: (Int32) -> (any StreamTransport)?
    /// Where every peer reads to.
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 262_144, alignment: 16)
    private let complain: (String) -> Void
    private var listeners: [Int32: Listener] = [:]
    private var addresses: [Int32: SocketAddress] = [:]
    private var peers: [ClientConnectionID: BrokerPeer] = [:]
    /// Keeps peers alive from accept to the end of their handshake.
    private var newcomers: [ObjectIdentifier: BrokerPeer] = [:]
    private var isPerforming = false

    /// - Parameter complain: gets a line for people when a client cannot be served at all.
    public init(
        _ cluster: BrokerCluster, loop: EventLoop,
        complain: @escaping (String) -> Void = { _ in },
        transport: @escaping (Int32) -> (any StreamTransport)? = { PlainTransport($0) }
    ) {
        self.cluster = cluster
        self.loop = loop
        self.complain = complain
        self.transport = transport
        loop.deadline = { [unowned self] in self.cluster.nextDeadline }
        loop.afterTurn = { [unowned self] in self.turn() }
    }

    deinit { input.deallocate() }

    /// Listens for a broker and advertises it.
    ///
    /// - Parameters:
    ///   - address: port 0 lets the kernel choose.
    ///   - advertised: the host that clients are told; nil: that of `address`.
    /// - Returns: the port.
    @discardableResult
    public func listen(
        broker: Int32, on address: SocketAddress, advertised: String? = nil
    ) throws(SystemError) -> UInt16 {
        try open(broker, address)
        let port = listeners[broker]?.address?.port ?? address.port
        if let bound = listeners[broker]?.address { addresses[broker] = bound }
        cluster.advertise(
            .init(host: advertised ?? address.host, port: port), broker: broker)
        return port
    }

    private func open(_ broker: Int32, _ address: SocketAddress) throws(SystemError) {
        let socket = try Socket.listen(on: address)
        listeners[broker] = try Listener(socket, loop: loop) { [unowned self] descriptor in
            self.accepted(descriptor, broker: broker)
        }
    }

    private func accepted(_ descriptor: Int32, broker: Int32) {
        Socket.setNoDelay(descriptor)
        guard let transport = transport(descriptor) else { return Socket.close(descriptor) }
        let peer = BrokerPeer(self, transport, broker: broker)
        newcomers[ObjectIdentifier(peer)] = peer
        peer.start()
    }

    func opened(_ peer: BrokerPeer, broker: Int32) -> ClientConnectionID? {
        newcomers[ObjectIdentifier(peer)] = nil
        guard let id = cluster.open(broker: broker, now: loop.now) else { return nil }
        peers[id] = peer
        return id
    }

    func closed(_ peer: BrokerPeer) {
        newcomers[ObjectIdentifier(peer)] = nil
        guard let id = peer.id, peers.removeValue(forKey: id) != nil else { return }
        cluster.closed(id, now: loop.now)
    }

    func report(_ text: String) { complain(text) }

    private func turn() {
        if let due = cluster.nextDeadline, due <= loop.now { cluster.tick(now: loop.now) }
        perform()
    }

    /// Performs what the cluster wants. Call it after every call of the cluster.
    public func perform() {
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        var effects = cluster.takeEffects()
        while !effects.isEmpty {
            var touched: [BrokerPeer] = []
            for effect in effects {
                switch effect {
                case .send(let id, let block):
                    guard let peer = peers[id] else { continue }
                    peer.send(block)
                    touched.append(peer)
                case .close(let id): peers[id]?.finish()
                case .listening(let broker, let isUp): setListening(broker, isUp)
                }
            }
            for peer in touched { peer.flush() }
            effects = cluster.takeEffects()
        }
    }

    private func setListening(_ broker: Int32, _ isUp: Bool) {
        if !isUp {
            listeners.removeValue(forKey: broker)?.close()
        } else if listeners[broker] == nil, let address = addresses[broker] {
            do throws(SystemError) {
                try open(broker, address)
            } catch {
                complain("broker \(broker) cannot listen at \(address) again: \(error)")
            }
        }
    }
}
