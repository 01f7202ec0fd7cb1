import CShims
import Glibc

extension Socket {
    /// Vectors that one call may take (IOV_MAX).
    static let vectorsMax = 1024

    public static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) -> ReadResult {
        while true {
            let count = cshims_receive(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 { return .bytes(count) }
            // Nothing fits into nothing: that is not the end of the stream.
            if count == 0 { return buffer.isEmpty ? .bytes(0) : .end }
            switch lastErrno() {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(TransportFailure(SystemError("recv", errno: lastErrno())))
            }
        }
    }

    /// Writes as much as the socket takes, and never raises SIGPIPE.
    public static func write(
        _ descriptor: Int32, _ vectors: UnsafeBufferPointer<iovec>
    ) -> WriteResult {
        while true {
            let count = cshims_send_vectors(
                descriptor, vectors.baseAddress, min(vectors.count, vectorsMax))
            if count >= 0 { return .bytes(count) }
            switch lastErrno() {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(TransportFailure(SystemError("sendmsg", errno: lastErrno())))
            }
        }
    }

    /// Tells the peer that nothing more comes.
    public static func shutdownWriting(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends both directions, for every duplicate of the socket too.
    public static func shutdownBoth(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Closes a descriptor and forgets it.
    public static func close(_ descriptor: Int32) {
        cshims_descriptor_untrack(descriptor)
        // Not tried again after EINTR: on Linux the descriptor is gone.
        _ = Glibc.close(descriptor)
    }
}
