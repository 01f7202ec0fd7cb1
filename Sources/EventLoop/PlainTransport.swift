import Glibc

/// A stream socket as it is.
public final class PlainTransport: StreamTransport {
    public let descriptor: Int32

    public init(_ descriptor: Int32) { self.descriptor = descriptor }

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
    public func close() { Socket.close(descriptor) }
}
