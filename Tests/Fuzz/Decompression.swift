import Bytes
import Compression

/// The decompressors: any bytes are refused or give plain ones within the cap, whatever the steps.
let decompressionTargets = [
    FuzzTarget("gzip", seeds: compressed(.gzip)) { decompress($0, .gzip) },
    FuzzTarget("snappy", seeds: compressed(.snappy)) { decompress($0, .snappy) },
    FuzzTarget("lz4", seeds: compressed(.lz4)) { decompress($0, .lz4) },
    FuzzTarget("zstd", seeds: compressed(.zstd)) { decompress($0, .zstd) },
    FuzzTarget("raw-inflate", seeds: deflated()) { inflate($0) },
]

private let capBytes = 1 << 20
private let plain =
    [[], [UInt8]("some text, some text, and more of it".utf8)]
    + [[UInt8](repeating: 7, count: 70_000)]

private func compressed(_ codec: Codec) -> [[UInt8]] {
    var linked = CompressionOptions()
    linked.snappyFraming = .raw
    linked.lz4LinkedBlocks = true
    linked.lz4Checksums = true
    linked.lz4ContentSize = true
    linked.zstdContentSize = true
    return [CompressionOptions(), linked].flatMap { options in
        plain.compactMap { try? codec.compress($0, options) }
    }
}

/// One for all inputs, as on a loop: what one leaves behind meets the next.
nonisolated(unsafe) private var decompressor = Decompressor()

private func decompress(_ input: UnsafeRawBufferPointer, _ codec: Codec) {
    let whole = outcome(input, codec, budget: .max)
    // The input chooses the steps too.
    let budget = 1 + Int(input.last ?? 0) * 97
    let stepped = outcome(input, codec, budget: budget)
    require(whole == stepped, "steps of \(budget) bytes give something else")
}

/// The plain bytes, or nil where they are refused.
private func outcome(
    _ input: UnsafeRawBufferPointer, _ codec: Codec, budget: Int
) -> [UInt8]? {
    var output = ByteWriter()
    do throws(CompressionError) {
        try decompressor.begin(codec, input: input, cap: capBytes)
        while try decompressor.step(into: &output, budget: budget) == .more {}
    } catch {
        return nil
    }
    require(output.count <= capBytes, "\(output.count) bytes are beyond the cap")
    return output.array
}

nonisolated(unsafe) private let inflater = RawInflate()

private func deflated() -> [[UInt8]] {
    let deflater = RawDeflate()
    return plain.map { bytes in
        var output = ByteWriter()
        bytes.withUnsafeBytes { deflater.deflate($0, into: &output) }
        return output.array
    }
}

private func inflate(_ input: UnsafeRawBufferPointer) {
    var output = ByteWriter()
    let restores = (input.first ?? 0) & 1 == 1
    try? inflater.inflate(input, restoresMarker: restores, into: &output, bytesMax: capBytes)
    require(output.count <= capBytes + 1, "\(output.count) bytes are beyond the cap")
}
