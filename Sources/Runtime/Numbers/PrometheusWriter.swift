/// Prometheus' text format, version 0.0.4.
struct PrometheusWriter {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP pubsubgw_\(name) \(help)\n# TYPE pubsubgw_\(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ value: UInt64, _ labels: [(String, String)] = []) {
        line(name, labels, String(value))
    }

    mutating func sample(_ name: String, _ value: Int64, _ labels: [(String, String)] = []) {
        line(name, labels, String(value))
    }

    mutating func sample(_ name: String, _ value: String, _ labels: [(String, String)] = []) {
        line(name, labels, value)
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += "pubsubgw_\(name)"
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                text += (index == 0 ? "" : ",") + "\(label.0)=\"\(Self.escaped(label.1))\""
            }
            text += "}"
        }
        text += " \(value)\n"
    }

    /// Backslash, quote and newline are escaped; route ids come from configuration.
    static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    /// Microseconds as seconds, without rounding and without Foundation.
    static func seconds(microseconds: Int64) -> String {
        let whole = microseconds / 1_000_000
        let fraction = microseconds % 1_000_000
        guard fraction > 0 else { return String(whole) }
        var digits = String(fraction + 1_000_000).dropFirst()
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return "\(whole).\(digits)"
    }
}
