import Bytes
import DevBroker
import EventLoop
import Glibc

/// Takes control commands from standard input or at a Unix socket.
final class ControlPort {
    private let server: BrokerServer
    private var listener: Listener?
    private var lines: ControlLines?

    init?(_ place: String?, _ server: BrokerServer) throws(Command.Failure) {
        guard let place else { return nil }
        self.server = server
        do throws(SystemError) {
            if place == "-" {
                let lines = ControlLines(
                    server, input: STDIN_FILENO, output: STDOUT_FILENO, isOwned: false)
                lines.ended = { [loop = server.loop] in loop.stop() }
                try lines.start()
                self.lines = lines
            } else {
                try listen(at: place)
            }
        } catch {
            throw Command.Failure("--control \(place): \(error)")
        }
    }

    private func listen(at path: String) throws(SystemError) {
        guard let address = SocketAddress(unixPath: path) else {
            throw SystemError("bind", errno: ENAMETOOLONG)
        }
        let socket = try Socket.listen(onUnix: address, mode: 0o600)
        listener = try Listener(socket, loop: server.loop) { [server] descriptor in
            let lines = ControlLines(
                server, input: descriptor, output: descriptor, isOwned: true)
            // The loop keeps it until it ends.
            try? lines.start()
        }
    }
}

/// One stream of commands: lines in, lines out.
final class ControlLines: ReadinessHandler {
    private static let lineBytesMax = 16 << 20

    private let server: BrokerServer
    private let commands: ControlCommands
    private let input: Int32
    private let output: Int32
    private let isOwned: Bool
    private var registration: Registration?
    private var pending: [UInt8] = []
    var ended: () -> Void = {}

    init(_ server: BrokerServer, input: Int32, output: Int32, isOwned: Bool) {
        self.server = server
        commands = ControlCommands(server.cluster)
        self.input = input
        self.output = output
        self.isOwned = isOwned
    }

    func start() throws(SystemError) {
        registration = try server.loop.add(input, .read, handler: self)
    }

    func ready(_ readiness: Readiness) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(input, &buffer, buffer.count)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0, pending.count < Self.lineBytesMax else { return end() }
        pending += buffer[..<count]
        while let newline = pending.firstIndex(of: UInt8(ascii: "\n")) {
            let answer = pending[..<newline].withUnsafeBytes {
                commands.run($0, now: server.loop.now)
            }
            pending.removeFirst(newline + 1)
            server.perform()
            reply(answer + [UInt8(ascii: "\n")])
        }
    }

    /// Answers are short: a reader that lets the pipe fill up waits for itself.
    private func reply(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, 1000)
            } else if errno != EINTR {
                return end()
            }
        }
    }

    private func end() {
        guard let registration else { return }
        self.registration = nil
        server.loop.remove(registration)
        if isOwned { Socket.close(input) }
        ended()
    }
}
