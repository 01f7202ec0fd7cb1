import Glibc

public enum ReadResult: Equatable, Sendable {
    case bytes(Int)
    case wouldBlock
    /// The peer has said that nothing more comes.
    case end
    case failed(TransportFailure)
}

public enum WriteResult: Equatable, Sendable {
    /// That many bytes were taken; fewer than given when the peer does not keep up.
    case bytes(Int)
    case wouldBlock
    case failed(TransportFailure)
}

public enum HandshakeStep: Equatable, Sendable {
    case done
    /// Call again when the descriptor is readable.
    case wantsRead
    case wantsWrite
    case failed(TransportFailure)
}

/// Why a stream is of no more use.
public struct TransportFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// The peer reset the connection, or it is gone.
        case reset
        case timedOut
        /// The TLS library or the peer's TLS refuses.
        case tls
        /// Another error of the system.
        case system
    }

    public var kind: Kind
    /// For people: `Connection reset by peer`, `self-signed certificate`.
    public var text: String

    public init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }

    public init(_ error: SystemError) {
        switch error.errno {
        case ECONNRESET, EPIPE, ECONNABORTED: self.init(.reset, error.text)
        case ETIMEDOUT: self.init(.timedOut, error.text)
        default: self.init(.system, error.description)
        }
    }

    public var description: String { text }
}

/// A connected stream, plain or TLS, with one way to drive it:
///
/// - handshake until `.done`, with the interest that each step asks for;
/// - when readable, read until `.wouldBlock`; whoever stops before that asks `hasBufferedInput`
///   when he goes on, because no descriptor tells of bytes that are already here;
/// - keep write interest while bytes of yours are not taken or `hasPendingOutput`, and call
///   `flush` first when writable.
public protocol StreamTransport: AnyObject {
    var descriptor: Int32 { get }

    func handshake() -> HandshakeStep
    func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult
    func write(_ vectors: UnsafeBufferPointer<iovec>) -> WriteResult

    /// Bytes that were taken, but have not left to the socket.
    var hasPendingOutput: Bool { get }
    /// `.bytes(0)` when nothing is pending any more.
    func flush() -> WriteResult
    /// Bytes that came from the socket and have not been read.
    var hasBufferedInput: Bool { get }

    /// Says that nothing more will be written; reading goes on until the peer's end.
    func finish()
    /// Closes the descriptor. Remove its registration first; nothing may be called afterwards.
    func close()
}
