import EventLoop
import Glibc
import Timing

/// A handler made of a closure.
final class Handler: ReadinessHandler {
    var action: (Readiness) -> Void = { _ in }
    func ready(_ readiness: Readiness) { action(readiness) }
}

/// A value that several threads of a test write to, one after the other.
final class Box<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

extension EventLoop {
    /// Runs turns until `condition` holds; false after a minute, which only a hang takes.
    func turn(until condition: () -> Bool) -> Bool {
        let limit = MonotonicClock.now().adding(milliseconds: 60_000)
        while !condition() {
            if MonotonicClock.now() > limit { return false }
            runOnce(timeoutMilliseconds: 20)
        }
        return true
    }
}

extension StreamTransport {
    func write(_ text: String) -> WriteResult {
        var bytes = [UInt8](text.utf8)
        return bytes.withUnsafeMutableBytes { buffer in
            let vector = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
            return withUnsafePointer(to: vector) {
                write(UnsafeBufferPointer(start: $0, count: 1))
            }
        }
    }

    /// What is there, up to `limit` bytes, and how the reading ended.
    func readAll(limit: Int = 1 << 20) -> (text: String, last: ReadResult) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(limit, 4096))
        while true {
            let result = buffer.withUnsafeMutableBytes { read(into: $0) }
            guard case .bytes(let count) = result else {
                return (String(decoding: bytes, as: UTF8.self), result)
            }
            bytes += buffer[..<count]
        }
    }
}

func loopback(_ port: UInt16 = 0) -> SocketAddress {
    guard let address = SocketAddress(literal: "127.0.0.1", port: port) else { fatalError() }
    return address
}

/// A directory that goes with the test.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = [CChar]("/tmp/pubsubgw-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { fatalError("mkdtemp") }
        path = String(cString: made)
    }

    deinit {
        for name in ["socket", "file"] { unlink(path + "/" + name) }
        rmdir(path)
    }
}
