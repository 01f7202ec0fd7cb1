/// The lines of a PEM text that frame its blocks (RFC 7468 section 3), for words about what is
/// wrong: OpenSSL passes over what it was not asked for.
struct PEMBlocks {
    /// `CERTIFICATE`, `RSA PRIVATE KEY`, in the text's order.
    private var labels: [String] = []
    private var endCount = 0
    private let hasEscapedLineEnds: Bool
    private(set) var isEncrypted = false

    init(_ text: String) {
        let lines = text.utf8.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        hasEscapedLineEnds = lines.contains {
            $0.starts(with: "-----BEGIN ".utf8) && Self.escapes($0)
        }
        for line in lines {
            if line.starts(with: "-----BEGIN ".utf8) {
                labels.append(Self.label(line))
            } else if line.starts(with: "-----END ".utf8) {
                endCount += 1
            }
            // RFC 7468 section 11, RFC 1421 section 4.6.1.1.
            if line.starts(with: "-----BEGIN ENCRYPTED".utf8)
                || line.starts(with: "Proc-Type: 4,ENCRYPTED".utf8)
            {
                isEncrypted = true
            }
        }
    }

    private static func label(_ line: Substring.UTF8View) -> String {
        let name = line.dropFirst("-----BEGIN ".utf8.count).prefix { $0 != UInt8(ascii: "-") }
        // It is shown: what it may be is short.
        return String(decoding: name.prefix(40), as: UTF8.self)
    }

    private static func escapes(_ line: Substring.UTF8View) -> Bool {
        zip(line, line.dropFirst()).contains { $0 == UInt8(ascii: "\\") && $1 == UInt8(ascii: "n") }
    }

    /// In any block's label.
    func hold(_ words: String) -> Bool { labels.contains { $0.hasSuffix(words) } }

    /// What no certificate and no key can be read of.
    var mistake: String? {
        if hasEscapedLineEnds {
            return "its line ends are written as \"\\\" and \"n\": they were escaped twice"
        }
        if endCount < labels.count { return "is cut short: a block has no -----END line" }
        return nil
    }

    /// ` (it holds PUBLIC KEY)`.
    var summary: String {
        labels.isEmpty ? "" : " (it holds \(labels.joined(separator: ", ")))"
    }
}
