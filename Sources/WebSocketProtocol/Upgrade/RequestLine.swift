/// "GET /path?query HTTP/1.1" (RFC 9112 section 3).
struct RequestLine {
    let method: String
    let target: String
    let isHTTP11: Bool
    let isHTTP10: Bool

    /// One line without its CRLF. Exactly two single blanks: a lenient reader and a strict one on
    /// the same path would see two requests.
    init(_ line: UnsafeRawBufferPointer) throws(HTTPRejection) {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty,
            parts[0].allSatisfy(HTTPGrammar.isTokenByte)
        else { throw .malformed("the request line is malformed") }
        let version = String(decoding: parts[2], as: UTF8.self)
        guard version.utf8.count == 8 && version.hasPrefix("HTTP/") else {
            throw .malformed("the request line is malformed")
        }
        method = String(decoding: parts[0], as: UTF8.self)
        target = String(decoding: parts[1], as: UTF8.self)
        isHTTP11 = version == "HTTP/1.1"
        isHTTP10 = version == "HTTP/1.0"
    }
}
