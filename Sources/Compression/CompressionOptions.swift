/// Choices of a producer that its readers have to cope with. The defaults are those of Kafka's
/// Java client.
public struct CompressionOptions: Sendable {
    public enum SnappyFraming: Sendable { case raw, xerial }

    public var snappyFraming = SnappyFraming.xerial
    /// LZ4 blocks that refer to the ones before them (librdkafka writes them so).
    public var lz4LinkedBlocks = false
    public var lz4Checksums = false
    public var lz4ContentSize = false
    /// 4...7: 64 KiB, 256 KiB, 1 MiB, 4 MiB.
    public var lz4BlockSize: UInt32 = 4
    /// Whether the frame tells its plain size; a producer that streams cannot know it.
    public var zstdContentSize = false
    /// The codec's level, one of `Codec.levels`; nil for its default.
    public var level: Int32?

    public init() {}
}

extension Codec {
    /// The levels that the codec's library knows, from fast to small; nil: it has none. lz4 takes
    /// those beyond 12 for 12; Kafka's settings allow them all (KIP-390).
    public var levels: ClosedRange<Int32>? {
        switch self {
        case .none, .snappy: nil
        case .gzip: 1...9
        case .lz4: 1...17
        case .zstd: -131_072...22
        }
    }
}
