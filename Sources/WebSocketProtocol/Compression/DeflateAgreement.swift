import Bytes

/// permessage-deflate as it was agreed on (RFC 7692 section 7.1). Neither side takes context over:
/// an idle connection then needs no window, and a message compressed once fits every connection.
public struct DeflateAgreement: Equatable, Sendable {
    /// The largest distance back in what we send, as a power of two.
    public let serverWindowBits: Int
    /// Whether the answer has to repeat the client's wish for a window.
    private let namesServerWindow: Bool

    /// The first of the client's offers that we can meet, or nil.
    /// - `windowBits`: the windows that we are ready to send with. A client that asks for a
    ///   smaller one gets the offer declined; give 15...15 where messages are compressed once
    ///   for everybody.
    public static func negotiate(
        _ offers: [ExtensionOffer], windowBits: ClosedRange<Int> = 9...15
    ) -> DeflateAgreement? {
        for offer in offers where offer.name == "permessage-deflate" {
            if let agreement = DeflateAgreement(offer, windowBits) { return agreement }
        }
        return nil
    }

    /// RFC 7692 section 7.1: an offer with an unknown, invalid or doubled parameter is declined.
    private init?(_ offer: ExtensionOffer, _ windowBits: ClosedRange<Int>) {
        var seen: Set<String> = []
        var serverBits: Int?
        for parameter in offer.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch parameter.name {
            case "server_no_context_takeover", "client_no_context_takeover":
                guard parameter.value == nil else { return nil }
            case "server_max_window_bits":
                guard let bits = parameter.value.flatMap(Self.bits) else { return nil }
                serverBits = bits
            case "client_max_window_bits":
                // A hint that the client could use a smaller window; ours takes all sizes.
                if let value = parameter.value, Self.bits(value) == nil { return nil }
            default: return nil
            }
        }
        let bits = min(serverBits ?? 15, windowBits.upperBound)
        guard bits >= windowBits.lowerBound else { return nil }
        serverWindowBits = bits
        namesServerWindow = serverBits != nil
    }

    /// 8 to 15, without leading zeroes (RFC 7692 section 7.1.2).
    private static func bits(_ value: String) -> Int? {
        switch value {
        case "8", "9", "10", "11", "12", "13", "14", "15": Int(value)
        default: nil
        }
    }

    /// The value of Sec-WebSocket-Extensions in the answer.
    public var headerValue: String {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            + (namesServerWindow ? "; server_max_window_bits=\(serverWindowBits)" : "")
    }
}
