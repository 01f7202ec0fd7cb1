import Glibc
import Timing

/// Why no address of a host could be connected to.
public struct ConnectFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The address that was tried last; nil if there was none.
    public var address: SocketAddress?
    public var error: SystemError

    public init(address: SocketAddress?, error: SystemError) {
        self.address = address
        self.error = error
    }

    /// `127.0.0.1:9092: Connection refused`
    public var description: String {
        address.map { "\($0): \(error.text)" } ?? error.text
    }
}

/// Connects to the first address of a host that answers. The next address is tried when one fails
/// or says nothing for a while; the first connection that stands wins (after RFC 8305).
public final class Connector {
    /// RFC 8305 section 8: the recommended delay between attempts.
    static let attemptDelayMilliseconds: Int64 = 250

    public typealias Completion = (Result<Int32, ConnectFailure>) -> Void

    private let loop: EventLoop
    private var remaining: ArraySlice<SocketAddress>
    private var attempts: [ObjectIdentifier: Attempt] = [:]
    private var completion: Completion?
    private var nextAttempt: TimerID?
    private var timeout: TimerID?
    private var lastFailure: ConnectFailure?

    /// Keep the connector until `completion` has run, once, from a turn of the loop and never from
    /// within this call. The socket is the completion's.
    public init(
        _ addresses: [SocketAddress], loop: EventLoop, timeoutMilliseconds: Int64,
        _ completion: @escaping Completion
    ) {
        self.loop = loop
        remaining = addresses[...]
        self.completion = completion
        timeout = loop.schedule(afterMilliseconds: timeoutMilliseconds) { [weak self] in
            self?.timedOut()
        }
        // Even a refusal that is known at once must not re-enter the caller.
        nextAttempt = loop.schedule(at: loop.now) { [weak self] in self?.startNext() }
    }

    /// Gives up; the completion will not run.
    public func cancel() { end() }

    private func startNext() {
        if let nextAttempt { loop.cancel(nextAttempt) }
        nextAttempt = nil
        guard let address = remaining.popFirst() else {
            if attempts.isEmpty { fail() }
            return
        }
        do throws(SystemError) {
            let attempt = try Attempt(address, of: self, loop: loop)
            attempts[ObjectIdentifier(attempt)] = attempt
        } catch {
            lastFailure = ConnectFailure(address: address, error: error)
        }
        let wait = attempts.isEmpty ? 0 : Self.attemptDelayMilliseconds
        if attempts.isEmpty || !remaining.isEmpty {
            nextAttempt = loop.schedule(afterMilliseconds: wait) { [weak self] in
                self?.startNext()
            }
        }
    }

    fileprivate func decided(_ attempt: Attempt) {
        attempts[ObjectIdentifier(attempt)] = nil
        if let error = attempt.error {
            lastFailure = ConnectFailure(address: attempt.address, error: error)
            attempt.close()
            startNext()
            return
        }
        let completion = completion
        end()
        completion?(.success(attempt.release()))
    }

    private func timedOut() {
        let address = attempts.values.first?.address ?? lastFailure?.address
        lastFailure = ConnectFailure(
            address: address, error: SystemError("connect", errno: ETIMEDOUT))
        fail()
    }

    private func fail() {
        let failure =
            lastFailure
            ?? ConnectFailure(address: nil, error: SystemError("connect", errno: EADDRNOTAVAIL))
        let completion = completion
        end()
        completion?(.failure(failure))
    }

    private func end() {
        completion = nil
        for attempt in attempts.values { attempt.close() }
        attempts = [:]
        remaining = []
        for timer in [nextAttempt, timeout] {
            if let timer { loop.cancel(timer) }
        }
    }

    /// A connection under way.
    fileprivate final class Attempt: ReadinessHandler {
        let address: SocketAddress
        private let loop: EventLoop
        private let descriptor: Int32
        private var registration: Registration?
        /// Alive while it has attempts: the loop holds them, so they must hold it.
        private let connector: Connector

        init(
            _ address: SocketAddress, of connector: Connector, loop: EventLoop
        ) throws(SystemError) {
            self.address = address
            self.loop = loop
            self.connector = connector
            descriptor = try Socket.connect(to: address)
            do throws(SystemError) {
                registration = try loop.add(descriptor, .write, handler: self)
            } catch {
                Socket.close(descriptor)
                throw error
            }
        }

        var error: SystemError? { Socket.connectError(descriptor) }

        func ready(_ readiness: Readiness) { connector.decided(self) }

        /// The connected socket, out of the loop.
        func release() -> Int32 {
            if let registration { loop.remove(registration) }
            registration = nil
            return descriptor
        }

        func close() { Socket.close(release()) }
    }
}
