/// Where a broker listens: the name or address as configured or advertised, never resolved here.
/// TLS verifies against exactly this host (KIP-235 leaves canonical names to Kerberos).
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A DNS name, an IPv4 address, or an IPv6 address without brackets.
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// As brokers tell it of each other; nil: nobody can dial that, and no log should show it.
    init?(told host: String, port: Int32) {
        guard let port = UInt16(exactly: port), port > 0, !host.isEmpty,
            host.utf8.count <= Self.hostBytesMax,
            host.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        self.init(host: host, port: port)
    }

    /// RFC 1035 section 2.3.4.
    private static let hostBytesMax = 255

    public var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
