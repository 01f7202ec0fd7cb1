import KafkaCore

extension GatewayEngine {
    /// One line about a session: who, where, what.
    func log(_ level: LogLevel, _ session: Session, _ text: String) {
        var line = "session \(session.id)"
        if let route = session.service?.route.id { line += " route \(route)" }
        if let address = session.remoteAddress { line += " client \(address)" }
        if let principal = session.access?.principal {
            line += " principal \(Self.quoted(principal))"
        }
        if let trace = session.access?.trace { line += " trace \(Self.quoted(trace))" }
        effects.append(.log(level, "\(line): \(text)"))
    }

    /// Text from outside as it may stand in a log: nobody forges a line with it, or fills a disk.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars.prefix(200) {
            if scalar.value < 0x20 || scalar.value == 0x7f || scalar == "\"" || scalar == "\\"
                || (0x80...0x9f).contains(scalar.value) || (0x2028...0x202e).contains(scalar.value)
            {
                quoted += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
