import EventLoop
import Glibc

/// The command line.
enum EchoCommand {
    static let usage = """
        usage: pubsubgw-echo PORT [--deflate] [--host ADDRESS] [--origin PATTERN]
                             [--message-bytes N] [--message-ms N]
          PORT             0 lets the kernel choose; the port is printed
          --deflate        agree on permessage-deflate
          --host ADDRESS   where to listen, 127.0.0.1 if not given
          --origin PATTERN pages that may connect, "*" for all; the same host if not given
          --message-bytes  largest message, 16777216 if not given
          --message-ms     time from a message's first frame to its last, 60000 if not given
        """

    static func run(_ arguments: [String]) -> Int32 {
        guard let settings = EchoSettings(arguments) else {
            complain(usage)
            return 2
        }
        do throws(SystemError) {
            let loop = try EventLoop()
            let server = EchoServer(loop, settings)
            let port = try server.listen()
            print(port)
            // Whoever started us reads the port from a pipe; nil flushes all streams.
            fflush(nil)
            loop.run()
            return 0
        } catch {
            complain("pubsubgw-echo: \(error)")
            return 1
        }
    }

    private static func complain(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
