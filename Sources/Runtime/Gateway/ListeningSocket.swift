import EventLoop
import Glibc

/// A socket that listens, made on the caller's thread so that its failure is the caller's.
struct ListeningSocket: Sendable {
    let descriptor: Int32
    /// 0 for a unix socket.
    let port: UInt16
    /// The host's too, which goes on listening.
    let isShared: Bool
    /// The socket file: removed when listening ends, unless somebody has replaced it.
    private let path: String?
    private let inode: UInt64

    init(_ address: ListenAddress) throws(Failure) {
        if case .descriptor = address { isShared = true } else { isShared = false }
        do throws(SystemError) {
            switch address {
            case .tcp(let host, let port):
                descriptor = try Self.tcp(host, port)
                path = nil
            case .unix(let path, let mode):
                descriptor = try Socket.listen(onUnix: Self.unix(path), mode: mode)
                self.path = path
            case .abstract(let name):
                descriptor = try Socket.listen(on: Self.abstract(name))
                path = nil
            case .descriptor(let number):
                descriptor = try Self.duplicate(number)
                path = nil
            }
        } catch {
            if case .descriptor = address {
                throw Failure(.invalid, "\(address) is no socket that listens")
            }
            if error.errno == EINVAL {
                throw Failure(.invalid, "\(address) is no address to listen on")
            }
            throw Failure(error, at: address.description)
        }
        port = Socket.localAddress(descriptor)?.port ?? 0
        inode = path.flatMap(Self.inode) ?? 0
    }

    private static func tcp(_ host: String?, _ port: UInt16) throws(SystemError) -> Int32 {
        let invalid = SystemError("bind", errno: EINVAL)
        guard let address = SocketAddress(literal: host ?? "::", port: port) else { throw invalid }
        do throws(SystemError) {
            return try Socket.listen(on: address)
        } catch {
            // All addresses, on a machine without IPv6.
            guard host == nil, error.errno == EAFNOSUPPORT || error.errno == EADDRNOTAVAIL,
                let fallback = SocketAddress(literal: "0.0.0.0", port: port)
            else { throw error }
            return try Socket.listen(on: fallback)
        }
    }

    /// The host's socket stays open when this one closes: who waits in its queue is not cut off.
    private static func duplicate(_ number: Int32) throws(SystemError) -> Int32 {
        guard Socket.isListening(number) else { throw SystemError("listen", errno: EINVAL) }
        let own = try Socket.duplicate(number)
        do throws(SystemError) {
            try Socket.setNonBlocking(own)
        } catch {
            Socket.close(own)
            throw error
        }
        return own
    }

    private static func unix(_ path: String) throws(SystemError) -> SocketAddress {
        guard let address = SocketAddress(unixPath: path) else {
            throw SystemError("bind", errno: EINVAL)
        }
        return address
    }

    private static func abstract(_ name: String) throws(SystemError) -> SocketAddress {
        guard let address = SocketAddress(abstractName: name) else {
            throw SystemError("bind", errno: EINVAL)
        }
        return address
    }

    private static func inode(_ path: String) -> UInt64? {
        var status = stat()
        return lstat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    func removeFile() {
        guard let path, Self.inode(path) == inode else { return }
        unlink(path)
    }

    func close() {
        Socket.close(descriptor)
        removeFile()
    }
}
