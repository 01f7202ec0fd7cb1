import CShims
import Glibc

/// The client's tokens of one login by GSSAPI (RFC 4752). It logs in as whom the Kerberos library
/// finds a ticket for.
public final class CyrusClient {
    private let connection: CyrusConnection

    /// Whether the library and its plug-in are there.
    public static var isAvailable: Bool {
        guard let library else { return false }
        return CyrusLibrary.lock.withLock { _ in
            var names = library.mechanisms()
            while let name = names?.pointee {
                if strcmp(name, "GSSAPI") == 0 { return true }
                names = names?.successor()
            }
            return false
        }
    }

    /// Initialised once in the life of the process.
    private static let library: CyrusLibrary? = {
        guard let library = CyrusLibrary.shared else { return nil }
        let result = CyrusLibrary.lock.withLock { _ in library.initClient(cshims_sasl_quiet()) }
        return result == CyrusLibrary.ok ? library : nil
    }()

    /// - Parameter host: the server's name; with the service it is its principal.
    public init(service: String, host: String) throws(CyrusError) {
        guard Self.isAvailable, let library = Self.library else { throw .missing }
        connection = try CyrusConnection(library) {
            $0.newClient(service, host, nil, nil, cshims_sasl_quiet(), 0, $1)
        }
    }

    /// The first token. May wait for the KDC.
    public func start() throws(CyrusError) -> (token: [UInt8], isComplete: Bool) {
        try connection.step { library, connection, output, length in
            library.startClient(connection, "GSSAPI", nil, output, length, nil)
        }
    }

    /// The answer to the server's token.
    public func answer(_ token: [UInt8]) throws(CyrusError) -> (token: [UInt8], isComplete: Bool) {
        try connection.step { library, connection, output, length in
            token.withUnsafeBytes { bytes in
                library.stepClient(
                    connection, bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UInt32(bytes.count), nil, output, length)
            }
        }
    }
}
