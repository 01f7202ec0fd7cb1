import CShims
import EventLoop
import Glibc
import Testing

/// Sockets, addresses, and the transport over them.
@Suite struct SocketTests {
    @Test(arguments: ["127.0.0.1", "::1"])
    func anEchoOverTCP(host: String) throws {
        let loop = try EventLoop()
        let address = try #require(SocketAddress(literal: host, port: 0))
        var server: PlainTransport?
        let listener = try Listener(Socket.listen(on: address), loop: loop) {
            server = PlainTransport($0)
        }
        let port = try #require(listener.address?.port)
        #expect(port != 0)
        var client: PlainTransport?
        let target = try #require(SocketAddress(literal: host, port: port))
        let connector = Connector([target], loop: loop, timeoutMilliseconds: 1000) {
            client = (try? $0.get()).map { PlainTransport($0) }
        }
        #expect(loop.turn { client != nil && server != nil })
        _ = connector
        let (near, far) = (try #require(client), try #require(server))
        #expect(Socket.peerAddress(near.descriptor) == listener.address)
        #expect(near.readAll() == ("", .wouldBlock))
        #expect(near.write("hello") == .bytes(5))
        near.finish()
        #expect(far.readAll() == ("hello", .end))
        #expect(far.write("back") == .bytes(4))
        #expect(near.readAll() == ("back", .wouldBlock))
        near.close()
        far.close()
        listener.close()
    }

    @Test func aSlowReaderBlocksTheWriterWithoutLoss() throws {
        let (left, right) = try Socket.pair()
        let (near, far) = (PlainTransport(left), PlainTransport(right))
        defer { near.close(); far.close() }
        let text = String(repeating: "0123456789", count: 1000)
        var sent = 0
        while case .bytes(let count) = near.write(text) { sent += count }
        #expect(near.write(text) == .wouldBlock)
        let (received, last) = far.readAll()
        #expect(received.utf8.count == sent && last == .wouldBlock)
        #expect(received.hasPrefix(text))
    }

    /// On a thread that has SIGPIPE open: raising it would end the test process.
    @Test func writingToAClosedSocketIsAnError() throws {
        var pipe = sigset_t(), before = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_UNBLOCK, &pipe, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let (left, right) = try Socket.pair()
        Socket.close(right)
        let near = PlainTransport(left)
        defer { near.close() }
        #expect(near.write("x") == .failed(TransportFailure(.reset, "Broken pipe")))
    }

    @Test func manyVectorsAreWrittenInTurn() throws {
        let (left, right) = try Socket.pair()
        let (near, far) = (PlainTransport(left), PlainTransport(right))
        defer { near.close(); far.close() }
        var byte = UInt8(ascii: "x")
        let taken = withUnsafeMutableBytes(of: &byte) { byte in
            let vectors = [iovec](
                repeating: iovec(iov_base: byte.baseAddress, iov_len: 1), count: 1500)
            return vectors.withUnsafeBufferPointer { near.write($0) }
        }
        #expect(taken == .bytes(1024))
        #expect(far.readAll().text.utf8.count == 1024)
    }

    @Test func aSocketFileHasItsModeAndIsReplacedOnlyWhenAbandoned() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/socket"
        let address = try #require(SocketAddress(unixPath: path))
        let first = try Socket.listen(onUnix: address, mode: 0o620)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o620)
        #expect(throws: SystemError("bind", errno: EADDRINUSE)) {
            _ = try Socket.listen(onUnix: address, mode: 0o600)
        }
        Socket.close(first)
        let second = try Socket.listen(onUnix: address, mode: 0o600)
        let client = try Socket.connect(to: address)
        guard case .socket(let accepted) = Socket.accept(second) else {
            Issue.record("nobody to accept")
            return
        }
        #expect(Socket.accept(second) == .none)
        for descriptor in [client, accepted, second] { Socket.close(descriptor) }
    }

    @Test func aFileThatIsNoSocketStays() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/file"
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        let address = try #require(SocketAddress(unixPath: path))
        #expect(throws: SystemError("bind", errno: EADDRINUSE)) {
            _ = try Socket.listen(onUnix: address, mode: 0o600)
        }
        #expect(access(path, F_OK) == 0)
    }

    @Test func addressesAreWrittenAsPeopleWriteThem() {
        #expect(loopback(9092).description == "127.0.0.1:9092")
        #expect(SocketAddress(literal: "[::1]", port: 1)?.description == "[::1]:1")
        #expect(SocketAddress(unixPath: "/run/a")?.description == "unix:/run/a")
        #expect(SocketAddress(literal: "localhost", port: 1) == nil)
        #expect(SocketAddress(literal: "", port: 1) == nil)
        #expect(SocketAddress(unixPath: "") == nil)
        #expect(SocketAddress(unixPath: "/a\0b") == nil)
        #expect(SocketAddress(unixPath: String(repeating: "p", count: 108)) == nil)
        #expect(SocketAddress(unixPath: String(repeating: "p", count: 107)) != nil)
    }

    @Test func onlyStreamSocketsCanBeAdopted() throws {
        let (left, right) = try Socket.pair()
        defer { Socket.close(left); Socket.close(right) }
        _ = fcntl(left, F_SETFL, 0)
        try Socket.prepareAdopted(left)
        #expect(fcntl(left, F_GETFL) & O_NONBLOCK != 0)
        #expect(throws: SystemError("getsockopt", errno: EBADF)) {
            try Socket.prepareAdopted(-1)
        }
        let file = open("/etc/passwd", O_RDONLY)
        defer { close(file) }
        #expect(throws: SystemError("getsockopt", errno: ENOTSOCK)) {
            try Socket.prepareAdopted(file)
        }
        let datagram = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(datagram) }
        #expect(throws: SystemError("getsockopt", errno: EPROTOTYPE)) {
            try Socket.prepareAdopted(datagram)
        }
    }

    /// In a process of its own: closing everything would hit the tests beside this one.
    @Test func aForkedChildClosesWhatIsTracked() async {
        await #expect(processExitsWith: .exitCode(42)) {
            guard cshims_fork_guard() == 0, cshims_is_forked() == 0 else { exit(3) }
            let (left, right) = try Socket.pair()
            let closed = try Socket.pair()
            Socket.close(closed.0)
            #expect(cshims_descriptor_is_tracked(left) == 1)
            #expect(cshims_descriptor_is_tracked(closed.0) == 0)
            // Swift hides fork, and means it for others.
            let symbol = dlsym(nil, "fork")
            let fork = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
            let child = fork()
            if child == 0 {
                let open = [left, right, closed.1].filter { fcntl($0, F_GETFD) >= 0 }
                let knows = cshims_is_forked() == 1
                _exit(knows && open.isEmpty && fcntl(1, F_GETFD) >= 0 ? 42 : 1)
            }
            var status: Int32 = 0
            waitpid(child, &status, 0)
            let parentKeeps = fcntl(left, F_GETFD) >= 0 && fcntl(right, F_GETFD) >= 0
            exit(parentKeeps ? status >> 8 & 0xff : 2)
        }
    }
}
