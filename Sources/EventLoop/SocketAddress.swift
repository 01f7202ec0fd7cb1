import CShims
import Glibc

/// An address of the kernel: IPv4, IPv6 or the path of a Unix socket.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// A `sockaddr` of the address's family.
    private let bytes: [UInt8]

    init(copying address: UnsafePointer<sockaddr>, count: Int) {
        bytes = [UInt8](UnsafeRawBufferPointer(start: address, count: count))
    }

    /// The address that an IP literal names, without any look-up; nil for a host name. IPv6 may
    /// stand in brackets and have a zone (`fe80::1%eth0`).
    public init?(literal host: String, port: UInt16) {
        guard
            case .success(let addresses) = lookUp(
                withoutBrackets(host), port: port, flags: AI_NUMERICHOST | AI_NUMERICSERV),
            let first = addresses.first
        else { return nil }
        self = first
    }

    /// The path of a Unix socket; nil if it is empty, too long (107 bytes) or holds a NUL.
    public init?(unixPath path: String) {
        var address = sockaddr_un()
        let room = MemoryLayout.size(ofValue: address.sun_path) - 1
        let path = [UInt8](path.utf8)
        guard !path.isEmpty, path.count <= room, !path.contains(0) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        bytes = withUnsafeBytes(of: &address) { [UInt8]($0) }
    }

    /// A name in Linux's abstract namespace, without the NUL in front; nil if it is empty or longer
    /// than 107 bytes.
    public init?(abstractName name: String) {
        let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let name = [UInt8](name.utf8)
        guard !name.isEmpty, name.count <= 107 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The length tells where the name ends: NULs are part of it.
        bytes = withUnsafeBytes(of: &address) { [UInt8]($0[..<(start + 1)]) } + name
    }

    public var family: Int32 { withSockaddr { address, _ in Int32(address.pointee.sa_family) } }
    public var isUnix: Bool { family == AF_UNIX }

    /// 0 for a Unix socket.
    public var port: UInt16 {
        bytes.withUnsafeBytes { bytes in
            switch family {
            case AF_INET: UInt16(bigEndian: bytes.load(as: sockaddr_in.self).sin_port)
            case AF_INET6: UInt16(bigEndian: bytes.load(as: sockaddr_in6.self).sin6_port)
            default: 0
            }
        }
    }

    /// The literal of the IP address, without brackets; the path of a Unix socket.
    public var host: String {
        if isUnix {
            let path = bytes.dropFirst(MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2)
            return String(decoding: path.prefix { $0 != 0 }, as: UTF8.self)
        }
        return withSockaddr { address, length in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
                let result = getnameinfo(
                    address, length, buffer.baseAddress, socklen_t(buffer.count), nil, 0,
                    NI_NUMERICHOST)
                guard result == 0, let base = buffer.baseAddress else { return "?" }
                return String(cString: base)
            }
        }
    }

    /// `127.0.0.1:9092`, `[::1]:9092`, `unix:/path`.
    public var description: String {
        switch family {
        case AF_UNIX: "unix:\(host)"
        case AF_INET6: "[\(host)]:\(port)"
        default: "\(host):\(port)"
        }
    }

    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { preconditionFailure("an empty address") }
            return body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }
}

/// A look-up that gave no address: `Name or service not known`.
public struct ResolveFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var text: String
    public var description: String { text }
}

/// `[::1]` without its brackets; anything else as it is.
public func withoutBrackets(_ host: String) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
}

/// getaddrinfo(3) for TCP. Blocks, unless the flags forbid the look-up.
func lookUp(
    _ host: String, port: UInt16, flags: Int32
) -> Result<[SocketAddress], ResolveFailure> {
    var hints = addrinfo()
    hints.ai_flags = flags
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, String(port), &hints, &list)
    guard result == 0 else {
        return .failure(ResolveFailure(text: String(cString: gai_strerror(result))))
    }
    defer { freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var entry = list
    while let info = entry?.pointee {
        if let address = info.ai_addr {
            addresses.append(SocketAddress(copying: address, count: Int(info.ai_addrlen)))
        }
        entry = info.ai_next
    }
    return .success(addresses)
}
