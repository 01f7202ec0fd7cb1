import EventLoop
import Glibc

/// A socket that the host hands over.
enum AdoptedSocket {
    /// Checks it without a change, and answers the peer's address: nil for a unix socket.
    static func check(_ descriptor: Int32) throws(Failure) -> String? {
        var type: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 else {
            let error = SystemError("getsockopt", errno: errno)
            throw Failure(.invalid, "fd \(descriptor) is no socket: \(error.text)")
        }
        guard type == Int32(SOCK_STREAM.rawValue) else {
            throw Failure(.invalid, "fd \(descriptor) is no stream socket")
        }
        guard let peer = Socket.peerAddress(descriptor) else {
            throw Failure(.invalid, "fd \(descriptor) is not connected")
        }
        return peer.isUnix ? nil : peer.host
    }

    /// The descriptor to work on, non-blocking and closed on exec.
    static func take(_ descriptor: Int32, duplicating: Bool) throws(Failure) -> Int32 {
        do throws(SystemError) {
            let own = duplicating ? try Socket.duplicate(descriptor) : descriptor
            do throws(SystemError) {
                try Socket.prepareAdopted(own)
            } catch {
                if duplicating { Socket.close(own) }
                throw error
            }
            return own
        } catch {
            throw Failure(error)
        }
    }
}
