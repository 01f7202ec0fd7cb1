import Compression
import Cyrus

/// What this library can do on this machine (`pubsubgw_has_feature`). Names are never renamed.
public enum Feature {
    private static let always: Set<String> = [
        "listen-tcp", "listen-unix", "adopt-fd", "borrow-fd", "bytes", "messages",
        "wake-listen", "host-commands", "client", "producer", "permessage-deflate", "kafka-tls",
        "sasl-plain",
        "sasl-scram-256", "sasl-scram-512", "sasl-scram-token", "sasl-oauthbearer", "secret-files",
    ]

    private static let codecs: [String: Codec] = [
        "gzip": .gzip, "snappy": .snappy, "lz4": .lz4, "zstd": .zstd,
    ]

    public static func isAvailable(_ name: String?) -> Bool {
        guard let name else { return false }
        if let codec = codecs[name] { return codec.isAvailable }
        if name == "sasl-gssapi" { return CyrusClient.isAvailable }
        return always.contains(name)
    }
}
