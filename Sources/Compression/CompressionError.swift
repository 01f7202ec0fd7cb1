/// Why compressed bytes give no plain ones. Offsets count from the start of the compressed bytes.
public enum CompressionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No codec has this number.
    case unknownCodec(Int)
    /// The codec's library is not installed.
    case unavailable(Codec)
    case corrupt(Codec, at: Int)
    /// The bytes end inside of their format.
    case truncated(Codec)
    /// Bytes behind the end.
    case trailingBytes(Codec, at: Int)
    /// More plain bytes than allowed.
    case tooLarge(Codec, cap: Int)
    /// A zstd frame wants more memory for its window than allowed.
    case windowTooLarge
    /// The library has no memory.
    case outOfMemory(Codec)

    public var description: String {
        switch self {
        case .unknownCodec(let code):
            return "unknown compression codec \(code)"
        case .unavailable(let codec):
            let package = codec.debianPackage.map { ": install the package \($0)" } ?? ""
            return "no library for \(codec.name)\(package)"
        case .corrupt(let codec, let offset):
            return "corrupt \(codec.name) data at byte \(offset)"
        case .truncated(let codec):
            return "truncated \(codec.name) data"
        case .trailingBytes(let codec, let offset):
            return "bytes behind the end of the \(codec.name) data at byte \(offset)"
        case .tooLarge(let codec, let cap):
            return "\(codec.name) data of more than \(cap) plain bytes"
        case .windowTooLarge:
            return "a zstd window of more than \(1 << (ZstdDecoder.windowLogMax - 20)) MiB"
        case .outOfMemory(let codec):
            return "out of memory for \(codec.name)"
        }
    }
}
