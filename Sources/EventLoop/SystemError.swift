import CShims
import Glibc

/// A system call that failed, for values and messages: `connect: Connection refused`.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    public var errno: Int32
    /// The call, as its manual page is named.
    public var operation: String

    public init(_ operation: String, errno: Int32) {
        self.operation = operation
        self.errno = errno
    }

    /// What the C library says to the number: `Connection refused`.
    public var text: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            cshims_error_text(errno, buffer.baseAddress, buffer.count)
            return String(cString: buffer.baseAddress.unsafelyUnwrapped)
        }
    }

    public var description: String { "\(operation): \(text)" }
}

/// The number of the call that just failed. Read it before anything else is called.
func lastErrno() -> Int32 { Glibc.errno }

/// Throws what the call left in errno when its result says that it failed.
@discardableResult
func check(_ result: Int32, _ operation: String) throws(SystemError) -> Int32 {
    guard result >= 0 else { throw SystemError(operation, errno: lastErrno()) }
    return result
}
