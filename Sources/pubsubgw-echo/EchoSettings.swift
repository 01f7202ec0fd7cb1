import EventLoop
import WebSocketProtocol

struct EchoSettings {
    var address: SocketAddress
    var isDeflating = false
    /// Default: the largest message of the Autobahn suite.
    var frames = FrameLimits(messageBytesMax: 16_777_216)
    /// Pages of other hosts are refused, as the library does by default.
    var origins = OriginPolicy.sameHost
    /// For the whole request, so that a byte a second does not hold a connection open.
    let handshakeMilliseconds: Int64 = 10_000
    /// For a message from its first frame to its last: an endless one would hold its memory.
    var messageMilliseconds: Int64 = 60_000
    /// For the peer's Close, and then for its end of stream.
    let closeMilliseconds: Int64 = 5_000
    /// What a peer does not read is written no further, and the peer is not read from.
    let unsentBytesMax = 1_048_576

    init?(_ arguments: [String]) {
        var port: UInt16?
        var host = "127.0.0.1"
        var patterns: [String] = []
        var rest = arguments.makeIterator()
        while let argument = rest.next() {
            switch argument {
            case "--deflate": isDeflating = true
            case "--host":
                guard let value = rest.next() else { return nil }
                host = value
            case "--origin":
                guard let value = rest.next() else { return nil }
                patterns.append(value)
            case "--message-bytes":
                guard let bytes = rest.next().flatMap({ Int($0) }), bytes > 0 else { return nil }
                frames = FrameLimits(messageBytesMax: bytes)
            case "--message-ms":
                guard let limit = rest.next().flatMap({ Int64($0) }), limit > 0 else { return nil }
                messageMilliseconds = limit
            default:
                guard port == nil, let value = UInt16(argument) else { return nil }
                port = value
            }
        }
        guard let port, let address = SocketAddress(literal: host, port: port),
            let origins = try? OriginPolicy(patterns)
        else { return nil }
        self.origins = origins
        self.address = address
    }
}
