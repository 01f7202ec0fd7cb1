import EventLoop
import Glibc

/// A socket that listens, made on the caller's thread so that its failure is the caller's.
struct ListeningSocket: Sendable {
    let descriptor: Int32
    /// 0 for a unix socket.
    let port: UInt16
    /// The socket file: removed when listening ends, unless somebody has replaced it.
    private let path: String?
    private let inode: UInt64

    init(_ address: ListenAddress) throws(Failure) {
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
            }
        } catch {
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
