import Bytes
import Compression
import Glibc
import Timing

/// Everything that a decompressor gives, in steps of `budget` plain bytes behind `prefix`.
func decompress(
    _ codec: Codec, _ compressed: [UInt8], cap: Int = 1 << 30, budget: Int = .max,
    prefix: [UInt8] = []
) throws(CompressionError) -> [UInt8] {
    var decompressor = Decompressor()
    return try decompress(
        codec, compressed, cap: cap, budget: budget, prefix: prefix, &decompressor)
}

func decompress(
    _ codec: Codec, _ compressed: [UInt8], cap: Int = 1 << 30, budget: Int = .max,
    prefix: [UInt8] = [], _ decompressor: inout Decompressor
) throws(CompressionError) -> [UInt8] {
    var output = ByteWriter()
    output.bytes(prefix)
    try run(codec, compressed, cap: cap, budget: budget, into: &output, &decompressor)
    return Array(output.array.dropFirst(prefix.count))
}

func run(
    _ codec: Codec, _ compressed: [UInt8], cap: Int, budget: Int, into output: inout ByteWriter,
    _ decompressor: inout Decompressor
) throws(CompressionError) {
    // Exactly as large as its contents, so that AddressSanitizer sees a byte too far.
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: compressed.count, alignment: 1)
    input.copyBytes(from: compressed)
    defer { input.deallocate() }
    try decompressor.begin(codec, input: UnsafeRawBufferPointer(input), cap: cap)
    while try decompressor.step(into: &output, budget: budget) == .more {}
}

/// Plain bytes of different kinds.
enum Sample: String, CaseIterable, Sendable {
    case empty, one, zeros, noise, text, distant

    private static let made = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, $0.make()) })

    var bytes: [UInt8] { Self.made[self] ?? [] }

    private func make() -> [UInt8] {
        var random = SeededRandom(seed: 42)
        func noise(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        switch self {
        case .empty: return []
        case .one: return [7]
        case .zeros: return [UInt8](repeating: 0, count: 300_000)
        case .noise: return noise(100_000)
        case .text:
            return (0..<9000).flatMap { number in
                [UInt8]("{\"key\": \"k\(number)\", \"value\": \(number &* 7919 % 1000)}\n".utf8)
            }
        // What is noise to a block alone, and not to one that may refer to the blocks before.
        case .distant:
            let piece = noise(40_000)
            return piece + noise(20_000) + piece + noise(30_000) + piece + piece
        }
    }
}

/// A codec with the choices of some producer.
struct Variant: Sendable, CustomStringConvertible {
    let description: String
    let codec: Codec
    let options: CompressionOptions

    init(
        _ description: String, _ codec: Codec,
        _ change: (inout CompressionOptions) -> Void = { _ in }
    ) {
        self.description = description
        self.codec = codec
        var options = CompressionOptions()
        change(&options)
        self.options = options
    }

    static let all = [
        Variant("none", .none),
        Variant("gzip", .gzip),
        Variant("gzip -1", .gzip) { $0.level = 1 },
        Variant("snappy, raw", .snappy) { $0.snappyFraming = .raw },
        Variant("snappy, xerial", .snappy),
        Variant("lz4", .lz4),
        Variant("lz4, linked", .lz4) { $0.lz4LinkedBlocks = true },
        Variant("lz4, checksums and size", .lz4) {
            $0.lz4Checksums = true
            $0.lz4ContentSize = true
        },
        Variant("lz4, linked, 256 KiB, checksums", .lz4) {
            $0.lz4LinkedBlocks = true
            $0.lz4Checksums = true
            $0.lz4BlockSize = 5
        },
        Variant("lz4, 4 MiB", .lz4) { $0.lz4BlockSize = 7 },
        Variant("zstd, streamed", .zstd),
        Variant("zstd, with its size", .zstd) { $0.zstdContentSize = true },
        Variant("zstd -19", .zstd) { $0.level = 19 },
    ]
}
