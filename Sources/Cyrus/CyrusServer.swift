import CShims

/// The server's side, for the in-memory broker. Its key is in the keytab that the environment
/// names.
public final class CyrusServer {
    private let connection: CyrusConnection
    private var hasBegun = false

    private static let library: CyrusLibrary? = {
        guard let library = CyrusLibrary.shared else { return nil }
        let result = CyrusLibrary.lock.withLock { _ in
            library.initServer(cshims_sasl_quiet(), "pubsubgw-devbroker")
        }
        return result == CyrusLibrary.ok ? library : nil
    }()

    public init(service: String, host: String) throws(CyrusError) {
        guard let library = Self.library else { throw .missing }
        connection = try CyrusConnection(library) {
            $0.newServer(service, host, nil, nil, nil, cshims_sasl_quiet(), 0, $1)
        }
    }

    /// The answer to the client's token.
    public func answer(_ token: [UInt8]) throws(CyrusError) -> (token: [UInt8], isComplete: Bool) {
        defer { hasBegun = true }
        return try connection.step { library, connection, output, length in
            token.withUnsafeBytes { bytes in
                let input = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                let count = UInt32(bytes.count)
                return hasBegun
                    ? library.stepServer(connection, input, count, output, length)
                    : library.startServer(connection, "GSSAPI", input, count, output, length)
            }
        }
    }

    /// Once it is complete.
    public var user: String? { connection.user }
}
