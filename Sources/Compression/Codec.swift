/// How the records of a batch are compressed: bits 0...2 of its attributes.
public enum Codec: Int, CaseIterable, Sendable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    /// KIP-110; never in batches of magic 0 or 1.
    case zstd = 4

    /// As Kafka's configuration spells it.
    public var name: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .snappy: "snappy"
        case .lz4: "lz4"
        case .zstd: "zstd"
        }
    }

    /// Whether this machine has the library. The first question opens it.
    public var isAvailable: Bool {
        switch self {
        case .none, .gzip: true
        case .snappy: SnappyLibrary.shared != nil
        case .lz4: LZ4Library.shared != nil
        case .zstd: ZstdLibrary.shared != nil
        }
    }

    /// The Debian package with the library; nil for those that are linked.
    var debianPackage: String? {
        switch self {
        case .none, .gzip: nil
        case .snappy: "libsnappy1v5"
        case .lz4: "liblz4-1"
        case .zstd: "libzstd1"
        }
    }
}
