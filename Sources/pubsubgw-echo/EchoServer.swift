import Bytes
import EventLoop
import WebSocketProtocol

/// What the sessions of the one loop share.
final class EchoServer {
    let loop: EventLoop
    let settings: EchoSettings
    let deflate = DeflateCodec()
    /// Where every session reads to. An idle session has no buffer of its own.
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    /// The replies to one read leave in one write.
    var cork = ByteWriter(capacity: EchoOutput.corkBytesKept)
    /// A message whose reply is larger goes from where it lies.
    static let corkedBytesMax = 32_768

    private var listener: Listener?

    init(_ loop: EventLoop, _ settings: EchoSettings) {
        self.loop = loop
        self.settings = settings
    }

    deinit { input.deallocate() }

    /// Answers the port.
    func listen() throws(SystemError) -> UInt16 {
        let socket = try Socket.listen(on: settings.address)
        let listener = try Listener(socket, loop: loop) { [unowned self] descriptor in
            Socket.setNoDelay(descriptor)
            EchoSession(self, PlainTransport(descriptor)).start()
        }
        self.listener = listener
        return listener.address?.port ?? 0
    }
}
