import Bytes
import KafkaCore

extension GatewayEngine {
    /// One line about a session: who, where, what.
    func log(_ level: LogLevel, _ session: Session, _ text: String) {
        var line = "session \(session.id)"
        if let route = session.service?.route.id { line += " route \(route)" }
        // Hosts behind a proxy take it from a header of the client's.
        if let address = session.remoteAddress { line += " client \(OutsideText.cleaned(address))" }
        if let principal = session.access?.principal {
            line += " principal \(Self.quoted(principal))"
        }
        if let trace = session.access?.trace { line += " trace \(Self.quoted(trace))" }
        effects.append(.log(level, "\(line): \(text)"))
    }

    static func quoted(_ text: String) -> String { OutsideText.quoted(text) }
}
