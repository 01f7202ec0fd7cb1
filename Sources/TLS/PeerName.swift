import Glibc

/// Whom a client means to talk to: the name or the address that the server's certificate has to
/// hold (RFC 9525 section 6).
enum PeerName: Equatable {
    case name(String)
    /// An IP literal, without brackets and without a zone.
    case address(String)

    /// `[::1]`, `fe80::1%eth0`, `10.0.0.1`, and names with or without the dot of the root.
    init(_ host: String) {
        var host = host[...]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        let literal = String(host.prefix { $0 != "%" })
        if Self.isAddress(literal) {
            self = .address(literal)
        } else {
            // Certificates and SNI know no dot at the end (RFC 6066 section 3).
            self = .name(String(host.hasSuffix(".") ? host.dropLast() : host))
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        var buffer = in6_addr()
        return inet_pton(AF_INET, text, &buffer) == 1 || inet_pton(AF_INET6, text, &buffer) == 1
    }

    var text: String {
        switch self {
        case .name(let text), .address(let text): text
        }
    }
}
