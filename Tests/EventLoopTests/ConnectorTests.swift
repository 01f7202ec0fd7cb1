import Glibc
import Testing
import Timing

@testable import EventLoop

/// Connecting to hosts with several addresses, some of them dead.
@Suite struct ConnectorTests {
    func connect(
        _ addresses: [SocketAddress], _ loop: EventLoop, timeoutMilliseconds: Int64 = 1500
    ) throws -> Result<Int32, ConnectFailure> {
        var result: Result<Int32, ConnectFailure>?
        let connector = Connector(
            addresses, loop: loop, timeoutMilliseconds: timeoutMilliseconds
        ) {
            #expect(result == nil)
            result = $0
        }
        #expect(result == nil)
        #expect(loop.turn { result != nil })
        _ = connector
        return try #require(result)
    }

    /// A port on which nobody listens.
    func refusing() throws -> SocketAddress {
        let listener = try Socket.listen(on: loopback())
        defer { Socket.close(listener) }
        return try #require(Socket.localAddress(listener))
    }

    /// A listener whose queue is full drops what comes: connections hang.
    func hanging(_ body: (SocketAddress) throws -> Void) throws {
        let listener = try Socket.listen(on: loopback(), backlog: 0)
        let address = try #require(Socket.localAddress(listener))
        let filling = try (0..<4).map { _ in try Socket.connect(to: address) }
        defer { for descriptor in filling + [listener] { Socket.close(descriptor) } }
        try body(address)
    }

    @Test func aRefusalNamesTheAddress() throws {
        let loop = try EventLoop()
        let address = try refusing()
        let expected = ConnectFailure(
            address: address, error: SystemError("connect", errno: ECONNREFUSED))
        #expect(throws: expected) {
            _ = try connect([address], loop).get()
        }
        let failure = ConnectFailure(
            address: loopback(9), error: SystemError("connect", errno: ECONNREFUSED))
        #expect(failure.description == "127.0.0.1:9: Connection refused")
    }

    @Test func theNextAddressIsTriedAtOnceAfterARefusal() throws {
        let loop = try EventLoop()
        let listener = try Socket.listen(on: loopback())
        defer { Socket.close(listener) }
        let good = try #require(Socket.localAddress(listener))
        let start = MonotonicClock.now()
        let refusals = try (0..<20).map { _ in try refusing() }
        let socket = try connect(refusals + [good], loop, timeoutMilliseconds: 60_000).get()
        // A wait after each refusal would take this long.
        let waits = 20 * Connector.attemptDelayMilliseconds
        #expect(MonotonicClock.now().milliseconds(since: start) < waits)
        #expect(Socket.peerAddress(socket) == good)
        Socket.close(socket)
    }

    @Test func aSilentAddressDoesNotHoldUpTheNext() throws {
        let loop = try EventLoop()
        let listener = try Socket.listen(on: loopback())
        defer { Socket.close(listener) }
        let good = try #require(Socket.localAddress(listener))
        try hanging { silent in
            let start = MonotonicClock.now()
            let socket = try connect([silent, good], loop).get()
            #expect(MonotonicClock.now().milliseconds(since: start) >= 250)
            #expect(Socket.peerAddress(socket) == good)
            Socket.close(socket)
        }
    }

    @Test func theTimeoutEndsEverything() throws {
        let loop = try EventLoop()
        try hanging { silent in
            let expected = ConnectFailure(
                address: silent, error: SystemError("connect", errno: ETIMEDOUT))
            #expect(throws: expected) {
                _ = try connect([silent], loop, timeoutMilliseconds: 50).get()
            }
        }
    }

    @Test func noAddressIsAFailureToo() throws {
        let loop = try EventLoop()
        #expect(throws: ConnectFailure.self) { _ = try connect([], loop).get() }
    }

    @Test func aCancelledConnectorSaysNothing() throws {
        let loop = try EventLoop()
        let listener = try Socket.listen(on: loopback())
        defer { Socket.close(listener) }
        var called = false
        let connector = Connector(
            [try #require(Socket.localAddress(listener))], loop: loop, timeoutMilliseconds: 20
        ) { _ in called = true }
        connector.cancel()
        for _ in 0..<5 { loop.runOnce(timeoutMilliseconds: 10) }
        #expect(!called)
    }
}
