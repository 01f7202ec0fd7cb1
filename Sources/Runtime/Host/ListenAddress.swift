/// Where `pubsubgw_listen` accepts clients. Numeric, because a look-up of a name would block.
public enum ListenAddress: Equatable, Sendable {
    /// `host` is an IPv4 or IPv6 address without brackets; nil: all addresses.
    case tcp(host: String?, port: UInt16)
    case unix(path: String, mode: UInt32)
    /// Linux's abstract namespace; the name without the leading NUL.
    case abstract(name: String)
    /// A socket that listens already, of the host's: it is worked on by a duplicate.
    case descriptor(Int32)

    /// sun_path of sockaddr_un, with its NUL.
    static let unixPathBytesMax = 107
    static let modeDefault: UInt32 = 0o660

    public init(_ text: String, mode: Int32) throws(Failure) {
        if text.hasPrefix("unix:") {
            self = try Self.unix(String(text.dropFirst(5)), mode)
            return
        }
        guard mode == 0 else {
            throw Failure(.invalid, "mode is for unix sockets; it must be 0 for \(text)")
        }
        if text.hasPrefix("fd:") {
            self = .descriptor(try Self.descriptor(text.dropFirst(3)))
            return
        }
        let (host, port) = try Self.split(text)
        switch host {
        case "*": self = .tcp(host: nil, port: port)
        case "localhost": self = .tcp(host: "127.0.0.1", port: port)
        default: self = .tcp(host: host, port: port)
        }
    }

    private static func unix(_ path: String, _ mode: Int32) throws(Failure) -> ListenAddress {
        let name = path.hasPrefix("@") ? String(path.dropFirst()) : path
        guard !name.isEmpty else { throw Failure(.invalid, "address has no path behind unix:") }
        guard name.utf8.count <= unixPathBytesMax else {
            throw Failure(.invalid, "the path of address is longer than \(unixPathBytesMax) bytes")
        }
        guard mode >= 0 && mode <= 0o777 else {
            throw Failure(.invalid, "mode \(mode) is no file mode (0 to 0777)")
        }
        if path.hasPrefix("@") {
            guard mode == 0 else {
                throw Failure(.invalid, "an abstract unix socket has no file: mode must be 0")
            }
            return .abstract(name: name)
        }
        return .unix(path: path, mode: mode == 0 ? modeDefault : UInt32(mode))
    }

    private static func descriptor(_ digits: Substring) throws(Failure) -> Int32 {
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int32(digits)
        else { throw Failure(.invalid, "address \"fd:\(digits)\" has no descriptor's number") }
        return number
    }

    private static func split(_ text: String) throws(Failure) -> (String, UInt16) {
        guard let colon = text.lastIndex(of: ":") else {
            throw Failure(.invalid, "address \"\(text)\" has no port")
        }
        var host = String(text[..<colon])
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits)
        else { throw Failure(.invalid, "address \"\(text)\" has no port number from 0 to 65535") }
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.utf8.contains(UInt8(ascii: ":")) {
            throw Failure(.invalid, "an IPv6 address is written as [::1]:8080, not \"\(text)\"")
        }
        guard !host.isEmpty else {
            throw Failure(.invalid, "address \"\(text)\" has no host; *:port means all addresses")
        }
        return (host, port)
    }
}

extension ListenAddress: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tcp(nil, let port): "*:\(port)"
        case .tcp(let host?, let port):
            host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path, _): "unix:\(path)"
        case .abstract(let name): "unix:@\(name)"
        case .descriptor(let number): "fd:\(number)"
        }
    }
}
