/// Escapes of a path (RFC 3986 section 2.1).
enum PercentEncoding {
    /// The bytes that are meant. nil: an escape is broken, or stands for a byte that `isRefused`.
    static func decoded(
        _ text: some StringProtocol, refusing isRefused: (UInt8) -> Bool
    ) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(HTTPGrammar.hexValue),
                let low = rest.next().flatMap(HTTPGrammar.hexValue), !isRefused(high << 4 | low)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
