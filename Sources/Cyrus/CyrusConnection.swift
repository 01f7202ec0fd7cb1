import CShims
import Glibc

/// One exchange of tokens, either side's. Every function may wait, for others and for the KDC: not
/// for the thread of a loop. Its end waits for nobody.
final class CyrusConnection {
    private let library: CyrusLibrary
    private var connection: CyrusLibrary.Connection?

    /// SASL_SEC_PROPS
    private static let security: Int32 = 101
    /// SASL_USERNAME
    private static let username: Int32 = 0

    /// `make` calls `sasl_client_new` or `sasl_server_new`.
    init(
        _ library: CyrusLibrary,
        _ make: (CyrusLibrary, UnsafeMutablePointer<CyrusLibrary.Connection?>) -> Int32
    ) throws(CyrusError) {
        self.library = library
        var made: CyrusLibrary.Connection?
        let result = CyrusLibrary.lock.withLock { _ in make(library, &made) }
        connection = made
        guard result == CyrusLibrary.ok else { throw failure(result) }
        // Kafka's brokers take none of the layers that would sign or encrypt what follows.
        var none = cshims_sasl_security()
        _ = CyrusLibrary.lock.withLock { _ in
            library.setProperty(connection, Self.security, &none)
        }
    }

    /// Behind somebody who waits for the KDC, a few kilobytes are left behind.
    deinit {
        CyrusLibrary.lock.withLockIfAvailable { _ in library.dispose(&connection) }
    }

    /// The token to send, and whether the library wants no other.
    func step(
        _ body: (
            CyrusLibrary, CyrusLibrary.Connection?, CyrusLibrary.Output, CyrusLibrary.Length
        ) -> Int32
    ) throws(CyrusError) -> (token: [UInt8], isComplete: Bool) {
        let (result, token) = CyrusLibrary.lock.withLock { _ in
            var output: CyrusLibrary.Text?
            var length: UInt32 = 0
            let result = body(library, connection, &output, &length)
            let count = output == nil ? 0 : Int(length)
            return (result, [UInt8](UnsafeRawBufferPointer(start: output, count: count)))
        }
        guard result == CyrusLibrary.ok || result == CyrusLibrary.goesOn else {
            throw failure(result)
        }
        return (token, result == CyrusLibrary.ok)
    }

    /// Who has logged in, of a server.
    var user: String? {
        CyrusLibrary.lock.withLock { _ in
            var value: UnsafeRawPointer?
            guard library.property(connection, Self.username, &value) == CyrusLibrary.ok,
                let value
            else { return nil }
            return String(cString: value.assumingMemoryBound(to: CChar.self))
        }
    }

    private func failure(_ result: Int32) -> CyrusError {
        let text = CyrusLibrary.lock.withLock { _ in
            connection.flatMap { library.errorText($0) }.map { String(cString: $0) }
        }
        return CyrusError("GSSAPI: \(text ?? "libsasl2 answers \(result)")")
    }
}
