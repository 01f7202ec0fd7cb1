/// The header lines of a request, in their order.
public struct HeaderFields: Sendable {
    /// Names are in lower case. Values have no blanks around them; bytes that are not UTF-8 are
    /// replaced.
    public private(set) var fields: [(name: String, value: String)] = []

    public var count: Int { fields.count }

    /// The values of all lines with this name (in lower case).
    public func all(_ name: String) -> [String] {
        fields.compactMap { $0.name == name ? $0.value : nil }
    }

    /// The value of the first line with this name (in lower case).
    public func first(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// One line without its CRLF (RFC 9112 section 5).
    mutating func append(line: UnsafeRawBufferPointer) throws(HTTPRejection) {
        // RFC 9112 section 5.2: a folded line is refused, because not every reader unfolds it.
        if HTTPGrammar.isBlank(line[0]) { throw .malformed("a header line is folded") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw .malformed("a header line has no colon")
        }
        let name = line[..<colon]
        // RFC 9112 section 5.1: no blank may stand between name and colon; a proxy that takes
        // "Host :" for another header would be told another host than we.
        guard !name.isEmpty && name.allSatisfy(HTTPGrammar.isTokenByte) else {
            throw .malformed("a header has no valid name")
        }
        let value = line[(colon + 1)...]
        guard value.allSatisfy(HTTPGrammar.isValueByte) else {
            throw .malformed("a header holds a control character")
        }
        fields.append(
            (
                name: String(decoding: name.map(HTTPGrammar.lowercased), as: UTF8.self),
                value: String(HTTPGrammar.trimmed(Substring(decoding: value, as: UTF8.self)))
            ))
    }

    /// The value of a header that may stand once; nil when it is absent.
    func single(_ name: String) throws(HTTPRejection) -> String? {
        let values = all(name)
        guard values.count < 2 else { throw .malformed("\(name) stands more than once") }
        return values.first
    }

    /// Whether the lists of all lines with this name hold `token`, in any case.
    func list(_ name: String, contains token: String) -> Bool {
        all(name).contains { value in
            value.utf8.split(separator: UInt8(ascii: ",")).contains { part in
                HTTPGrammar.lowercased(HTTPGrammar.trimmed(Substring(part))) == token
            }
        }
    }
}
