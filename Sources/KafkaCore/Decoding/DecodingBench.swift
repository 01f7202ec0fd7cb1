import Bytes
import Compression

/// The decompressor and its output, one for all responses of a cluster: they are worked on one
/// after the other. Large batches are read piece by piece: what is read is dropped.
struct DecodingBench: ~Copyable {
    private var decompressor = Decompressor()
    private var scratch = ByteWriter()
    /// Bytes in front of `scratch` that were read already: the decompressor may refer to them.
    private var readCount = 0
    /// The most plain bytes of one batch.
    let capBytes: Int

    /// Kept between batches; a larger one is given back.
    static let scratchBytesKept = 1 << 20
    /// What is worth being read before the batch's end; smaller batches are read as a whole.
    static let pieceBytes = 1 << 20

    init(capBytes: Int) { self.capBytes = capBytes }

    /// `code` is that of the batch's attributes.
    mutating func begin(
        _ code: Int, _ input: UnsafeRawBufferPointer
    ) throws(CompressionError) {
        scratch.removeAll()
        readCount = 0
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

    /// What was not read yet. Valid until the next `begin`, `step`, `drop` or `rest`.
    var output: UnsafeRawBufferPointer {
        scratch.withBytes { UnsafeRawBufferPointer(rebasing: $0[readCount...]) }
    }

    /// All but the last `left` bytes of `output` were read.
    mutating func drop(leaving left: Int) {
        readCount = scratch.count - left
        // What is left moves to the front: where that is little beside what was read.
        let surplus = readCount - Decompressor.historyBytes
        guard surplus >= scratch.count / 2 else { return }
        scratch.removeFirst(surplus)
        readCount -= surplus
    }

    /// Memory of the output.
    var heldBytes: Int { scratch.allocatedBytes }

    /// No batch is in work.
    mutating func rest() {
        scratch.removeAll()
        readCount = 0
        if scratch.allocatedBytes > Self.scratchBytesKept { scratch.shrink() }
    }
}
