/// A host and a port, as in Host and Origin (RFC 3986 section 3.2, without user information).
public struct Authority: Hashable, Sendable {
    /// In lower case; an IPv6 address keeps its brackets.
    public let host: String
    /// nil when none is written.
    public let port: UInt16?

    public init(host: String, port: UInt16?) {
        self.host = host
        self.port = port
    }

    /// nil when the text is not "host", "host:port" or "[address]:port".
    public init?(_ text: some StringProtocol) {
        let (host, port) = Self.split(Substring(text))
        guard Self.isHost(host) else { return nil }
        self.host = HTTPGrammar.lowercased(host)
        guard let port, !port.isEmpty else {
            self.port = nil
            return
        }
        guard port.utf8.count <= 5,
            port.utf8.allSatisfy(HTTPGrammar.isDigit),
            let number = UInt16(port)
        else { return nil }
        self.port = number
    }

    private static func split(_ text: Substring) -> (host: Substring, port: Substring?) {
        let afterAddress = text.lastIndex(of: "]") ?? text.startIndex
        guard let colon = text[afterAddress...].firstIndex(of: ":") else { return (text, nil) }
        return (text[..<colon], text[text.index(after: colon)...])
    }

    static func isHost(_ host: Substring) -> Bool {
        if host.hasPrefix("[") {
            let inner = host.utf8.dropFirst().dropLast()
            return host.hasSuffix("]") && inner.count >= 2
                && inner.allSatisfy {
                    HTTPGrammar.hexValue($0) != nil || $0 == UInt8(ascii: ":")
                        || $0 == UInt8(ascii: ".")
                }
        }
        return !host.isEmpty && host.utf8.count <= 255
            && host.utf8.allSatisfy {
                HTTPGrammar.isTokenByte($0) && $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "|")
            }
    }
}
