import CShims
import Glibc

/// The system calls on sockets. Sockets made here are non-blocking, closed on exec, and tracked
/// for the child of a fork.
public enum Socket {
    static let streamFlags = Int32(
        SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

    // MARK: Listening

    /// As many as the kernel takes by default (net.core.somaxconn).
    public static let backlogMax: Int32 = 4096

    public static func listen(
        on address: SocketAddress, backlog: Int32 = backlogMax
    ) throws(SystemError) -> Int32 {
        try makeSocket(address.family) { descriptor throws(SystemError) in
            try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            try check(address.withSockaddr { bind(descriptor, $0, $1) }, "bind")
            try check(Glibc.listen(descriptor, backlog), "listen")
        }
    }

    /// Listens at a path. A socket file that nobody listens on any more is replaced; one that is
    /// in use, or a file of another kind, is EADDRINUSE.
    ///
    /// - Parameter mode: the permissions of the socket file. They are set between bind and listen:
    ///   until then nobody can connect.
    public static func listen(
        onUnix address: SocketAddress, mode: mode_t, backlog: Int32 = backlogMax
    ) throws(SystemError) -> Int32 {
        try makeSocket(AF_UNIX) { descriptor throws(SystemError) in
            if isAbandoned(address) { unlink(address.host) }
            try check(address.withSockaddr { bind(descriptor, $0, $1) }, "bind")
            try check(chmod(address.host, mode), "chmod")
            try check(Glibc.listen(descriptor, backlog), "listen")
        }
    }

    /// True for the file of a socket on which nobody listens any more.
    private static func isAbandoned(_ address: SocketAddress) -> Bool {
        var status = stat()
        guard lstat(address.host, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            return false
        }
        let probe = socket(AF_UNIX, streamFlags, 0)
        guard probe >= 0 else { return false }
        defer { Glibc.close(probe) }
        let result = address.withSockaddr { Glibc.connect(probe, $0, $1) }
        return result < 0 && lastErrno() == ECONNREFUSED
    }

    public enum Accepted: Equatable, Sendable {
        case socket(Int32)
        /// Nobody waits, or who waited has gone.
        case none
        /// EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection still waits.
        case exhausted(SystemError)
    }

    public static func accept(_ listener: Int32) -> Accepted {
        let descriptor = cshims_accept(listener)
        guard descriptor < 0 else {
            cshims_descriptor_track(descriptor)
            return .socket(descriptor)
        }
        switch lastErrno() {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            return .exhausted(SystemError("accept4", errno: lastErrno()))
        default:
            // accept(2): errors that are pending on the new socket are reported here.
            return .none
        }
    }

    // MARK: Connecting

    /// Starts a connection; it is decided when the socket is writable, see `connectError`.
    public static func connect(to address: SocketAddress) throws(SystemError) -> Int32 {
        try makeSocket(address.family) { descriptor throws(SystemError) in
            let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
            if result < 0 && lastErrno() != EINPROGRESS {
                throw SystemError("connect", errno: lastErrno())
            }
        }
    }

    /// Why a connection failed; nil if it stands.
    public static func connectError(_ descriptor: Int32) -> SystemError? {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        if getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0 { error = lastErrno() }
        return error == 0 ? nil : SystemError("connect", errno: error)
    }

    /// Two connected sockets.
    public static func pair() throws(SystemError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        try check(socketpair(AF_UNIX, streamFlags, 0, &ends), "socketpair")
        for end in ends { cshims_descriptor_track(end) }
        return (ends[0], ends[1])
    }

    private static func makeSocket(
        _ family: Int32, _ setUp: (Int32) throws(SystemError) -> Void
    ) throws(SystemError) -> Int32 {
        let descriptor = try check(socket(family, streamFlags, 0), "socket")
        cshims_descriptor_track(descriptor)
        do throws(SystemError) {
            try setUp(descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }
}
