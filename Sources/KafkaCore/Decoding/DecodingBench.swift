import Bytes
import Compression

/// The decompressor and its output, one for all responses of a cluster: they are worked on one
/// after the other.
struct DecodingBench: ~Copyable {
    private var decompressor = Decompressor()
    private var scratch = ByteWriter()
    let capBytes: Int

    /// Kept between batches; a larger one is given back.
    static let scratchBytesKept = 1 << 20

    init(capBytes: Int) { self.capBytes = capBytes }

    /// `code` is that of the batch's attributes.
    mutating func begin(
        _ code: Int, _ input: UnsafeRawBufferPointer
    ) throws(CompressionError) {
        scratch.removeAll()
        guard let codec = Codec(rawValue: code) else { throw .unknownCodec(code) }
        try decompressor.begin(codec, input: input, cap: capBytes)
    }

    /// Whether all of it is there.
    mutating func step(_ budget: inout Int) throws(CompressionError) -> Bool {
        let before = scratch.count
        let progress = try decompressor.step(into: &scratch, budget: max(budget, 4_096))
        budget -= (scratch.count - before) / 4
        return progress == .done
    }

    /// Valid until the next `begin` or `rest`.
    var output: UnsafeRawBufferPointer { scratch.withBytes { $0 } }

    /// No batch is in work.
    mutating func rest() {
        scratch.removeAll()
        if scratch.allocatedBytes > Self.scratchBytesKept { scratch.shrink() }
    }
}
