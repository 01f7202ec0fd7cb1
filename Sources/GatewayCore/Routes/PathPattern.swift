import WebSocketProtocol

/// A `uri` of a route: an exact path, or a prefix that ends in `*`.
public struct PathPattern: Hashable, Sendable {
    /// Without the `*`.
    public let text: String
    public let isPrefix: Bool

    /// nil: not a path, a `*` before its end, or what no request's path can be.
    init?(_ source: String) {
        let isPrefix = source.hasSuffix("*")
        let text = isPrefix ? String(source.dropLast()) : source
        guard !text.utf8.contains(UInt8(ascii: "*")),
            RequestPath.isPossible(text, asPrefix: isPrefix)
        else { return nil }
        self.text = text
        self.isPrefix = isPrefix
    }
}
