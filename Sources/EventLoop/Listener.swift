import Timing

/// Accepts connections on a loop. Without descriptors left it rests, instead of spinning on the
/// connection that it cannot take.
public final class Listener: ReadinessHandler {
    /// Connections of one turn: the sessions that stand come to their turn too.
    static let acceptsPerTurnMax = 64
    /// The rest when the process has no descriptor left.
    static let exhaustionRestMilliseconds: Int64 = 100

    private let loop: EventLoop
    private let descriptor: Int32
    private let accepted: (Int32) -> Void
    private let exhausted: (SystemError) -> Void
    private var registration: Registration?
    private var rest: TimerID?

    /// Takes over a listening socket. Each connection is non-blocking, and the callback's.
    public init(
        _ descriptor: Int32, loop: EventLoop,
        exhausted: @escaping (SystemError) -> Void = { _ in },
        accepted: @escaping (Int32) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.descriptor = descriptor
        self.accepted = accepted
        self.exhausted = exhausted
        registration = try loop.add(descriptor, .read, handler: self)
    }

    /// Where it listens: the port that the kernel chose for port 0.
    public var address: SocketAddress? { Socket.localAddress(descriptor) }

    public func ready(_ readiness: Readiness) {
        for _ in 0..<Self.acceptsPerTurnMax {
            guard registration != nil else { return }
            switch Socket.accept(descriptor) {
            case .socket(let connection): accepted(connection)
            case .none: return
            case .exhausted(let error): return takeRest(error)
            }
        }
    }

    /// Takes in all who wait at this moment, before the end.
    public func acceptWaiting() {
        guard registration != nil else { return }
        for _ in 0..<Socket.backlogMax {
            guard case .socket(let connection) = Socket.accept(descriptor) else { return }
            accepted(connection)
        }
    }

    private func takeRest(_ error: SystemError) {
        guard let registration else { return }
        loop.modify(registration, [])
        rest = loop.schedule(afterMilliseconds: Self.exhaustionRestMilliseconds) { [weak self] in
            guard let self, let registration = self.registration else { return }
            self.loop.modify(registration, .read)
        }
        exhausted(error)
    }

    /// Ends listening and closes the socket. A socket file stays: its path is its owner's.
    public func close() {
        guard let registration else { return }
        self.registration = nil
        if let rest { loop.cancel(rest) }
        loop.remove(registration)
        Socket.close(descriptor)
    }
}
