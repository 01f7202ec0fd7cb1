extension AddedHeader {
    private static let bytesMax = 4_096
    private static let countMax = 32

    /// `headers{name: value}` of a route or a session's policy.
    static func parse(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> [AddedHeader] {
        guard let object = try reader.reader("headers") else { return [] }
        let texts = try object.texts()
        guard texts.count <= countMax else {
            throw reader.fault("headers", "more than \(countMax) headers")
        }
        var headers: [AddedHeader] = []
        for (name, text) in texts {
            guard !name.isEmpty, name.utf8.count + text.utf8.count <= bytesMax else {
                throw object.fault(
                    name, "expected a name, and \(bytesMax) bytes with its value at most")
            }
            guard let value = value(text) else {
                throw object.fault(
                    name,
                    "unknown value \"\(text)\" (known: $principal, $trace; a text that begins with"
                        + " $ is written with two)")
            }
            headers.append(AddedHeader(name, value))
        }
        return headers
    }

    private static func value(_ text: String) -> Value? {
        switch text {
        case "$principal": .principal
        case "$trace": .trace
        default:
            if text.hasPrefix("$$") {
                .text(String(text.dropFirst()))
            } else {
                text.hasPrefix("$") ? nil : .text(text)
            }
        }
    }
}
