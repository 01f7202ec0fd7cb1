/// One member of Sec-WebSocket-Extensions (RFC 6455 section 9.1).
public struct ExtensionOffer: Equatable, Sendable {
    public struct Parameter: Equatable, Sendable {
        public let name: String
        /// nil when the parameter stands without "=".
        public let value: String?
    }

    public let name: String
    public let parameters: [Parameter]

    /// All offers of a header's value, or nil when it does not follow the grammar. RFC 9110 section
    /// 5.6.1.2: empty members are ignored.
    static func list(_ value: String) -> [ExtensionOffer]? {
        var scanner = ExtensionScanner(value)
        var offers: [ExtensionOffer] = []
        while true {
            while scanner.skip(UInt8(ascii: ",")) {}
            if scanner.isAtEnd { return offers }
            guard let offer = scanner.offer() else { return nil }
            offers.append(offer)
            guard scanner.isAtEnd || scanner.skip(UInt8(ascii: ",")) else { return nil }
        }
    }
}

/// A hand-written scanner: linear, whatever the header holds.
private struct ExtensionScanner {
    private let bytes: [UInt8]
    private var at = 0

    init(_ value: String) { bytes = [UInt8](value.utf8) }

    var isAtEnd: Bool { at == bytes.count }

    mutating func offer() -> ExtensionOffer? {
        guard let name = token() else { return nil }
        var parameters: [ExtensionOffer.Parameter] = []
        while skip(UInt8(ascii: ";")) {
            guard let parameter = parameter() else { return nil }
            parameters.append(parameter)
        }
        return ExtensionOffer(name: name, parameters: parameters)
    }

    mutating func skip(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func parameter() -> ExtensionOffer.Parameter? {
        guard let name = token() else { return nil }
        guard skip(UInt8(ascii: "=")) else {
            return ExtensionOffer.Parameter(name: name, value: nil)
        }
        skipBlanks()
        // RFC 6455 section 9.1: a quoted value must be a token once it is unquoted.
        let isQuoted = skip(UInt8(ascii: "\""))
        guard let value = token(trimming: !isQuoted) else { return nil }
        if isQuoted && !(at < bytes.count && bytes[at] == UInt8(ascii: "\"")) { return nil }
        if isQuoted { at += 1 }
        skipBlanks()
        return ExtensionOffer.Parameter(name: name, value: value)
    }

    private mutating func token(trimming: Bool = true) -> String? {
        if trimming { skipBlanks() }
        let start = at
        while at < bytes.count, HTTPGrammar.isTokenByte(bytes[at]) { at += 1 }
        guard at > start else { return nil }
        let token = String(decoding: bytes[start..<at], as: UTF8.self)
        if trimming { skipBlanks() }
        return token
    }

    private mutating func skipBlanks() {
        while at < bytes.count, HTTPGrammar.isBlank(bytes[at]) { at += 1 }
    }
}
