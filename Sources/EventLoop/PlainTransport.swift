import Glibc

/// A stream socket as it is.
public final class PlainTransport: StreamTransport {
    public let descriptor: Int32
    private let isOwned: Bool

    /// - Parameter owned: false for a socket that stays the host's: `close` leaves it open.
    public init(_ descriptor: Int32, owned: Bool = true) {
        self.descriptor = descriptor
        isOwned = owned
    }

    public func handshake() -> HandshakeStep { .done }

    public func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
        Socket.read(descriptor, into: buffer)
    }

    public func write(_ vectors: UnsafeBufferPointer<iovec>) -> WriteResult {
        Socket.write(descriptor, vectors)
    }

    public var hasPendingOutput: Bool { false }
    public func flush() -> WriteResult { .bytes(0) }
    public var hasBufferedInput: Bool { false }

    public func finish() { Socket.shutdownWriting(descriptor) }
    public func close() { if isOwned { Socket.close(descriptor) } }
}
