import CShims
import Glibc

extension Socket {
    /// Small frames leave at once. Without effect on Unix sockets, which never wait.
    public static func setNoDelay(_ descriptor: Int32) {
        try? setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Finds a peer that vanished without a word, after `idleSeconds` and `probes` unanswered
    /// questions in between. Without effect on Unix sockets.
    public static func setKeepAlive(
        _ descriptor: Int32, idleSeconds: Int32 = 60, intervalSeconds: Int32 = 10, probes: Int32 = 3
    ) {
        let tcp = Int32(IPPROTO_TCP)
        try? setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        try? setOption(descriptor, tcp, TCP_KEEPIDLE, idleSeconds)
        try? setOption(descriptor, tcp, TCP_KEEPINTVL, intervalSeconds)
        try? setOption(descriptor, tcp, TCP_KEEPCNT, probes)
    }

    /// Makes ready a descriptor that a host hands over: non-blocking and closed on exec.
    ///
    /// - Throws: EBADF, ENOTSOCK, or EPROTOTYPE when it is no stream socket.
    public static func prepareAdopted(_ descriptor: Int32) throws(SystemError) {
        var type: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        try check(getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size), "getsockopt")
        guard type == Int32(SOCK_STREAM.rawValue) else {
            throw SystemError("getsockopt", errno: EPROTOTYPE)
        }
        try setNonBlocking(descriptor)
        try check(fcntl(descriptor, F_SETFD, FD_CLOEXEC), "fcntl")
    }

    /// All duplicates of the descriptor share it.
    public static func setNonBlocking(_ descriptor: Int32) throws(SystemError) {
        let flags = try check(fcntl(descriptor, F_GETFL), "fcntl")
        try check(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK), "fcntl")
    }

    public static func isListening(_ descriptor: Int32) -> Bool {
        var isListening: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0
            && isListening != 0
    }

    /// A duplicate, closed on exec and tracked.
    public static func duplicate(_ descriptor: Int32) throws(SystemError) -> Int32 {
        let copy = try check(fcntl(descriptor, F_DUPFD_CLOEXEC, 3), "fcntl")
        cshims_descriptor_track(copy)
        return copy
    }

    /// What tells a socket from whatever else may get its descriptor's number; nil: it is none.
    public static func identity(_ descriptor: Int32) -> UInt64? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            return nil
        }
        return UInt64(status.st_ino)
    }

    /// Where a socket stands; nil if it is none.
    public static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        address { getsockname(descriptor, $0, $1) }
    }

    public static func peerAddress(_ descriptor: Int32) -> SocketAddress? {
        address { getpeername(descriptor, $0, $1) }
    }

    private static func address(
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard ask(address, &length) == 0 else { return nil }
                return SocketAddress(copying: address, count: Int(length))
            }
        }
    }

    static func setOption(
        _ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32
    ) throws(SystemError) {
        var value = value
        try check(
            setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size)),
            "setsockopt")
    }
}
