/// A `uri` of a route: an exact path, or a prefix that ends in `*`.
public struct PathPattern: Hashable, Sendable {
    /// Without the `*`.
    public let text: String
    public let isPrefix: Bool

    /// nil: not a path, or a `*` before its end.
    init?(_ source: String) {
        let isPrefix = source.hasSuffix("*")
        let text = isPrefix ? String(source.dropLast()) : source
        guard text.utf8.first == UInt8(ascii: "/"), !text.utf8.contains(UInt8(ascii: "*")) else {
            return nil
        }
        self.text = text
        self.isPrefix = isPrefix
    }

    func matches(_ path: String) -> Bool {
        isPrefix ? path.utf8.starts(with: text.utf8) : path.utf8.elementsEqual(text.utf8)
    }
}
