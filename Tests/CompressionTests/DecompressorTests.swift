import Bytes
import Compression
import Testing
import Timing

/// What holds for every codec.
@Suite struct DecompressorTests {
    @Test func theTestsHaveEveryCodec() {
        for codec in Codec.allCases { #expect(codec.isAvailable, "\(codec) is not installed") }
    }

    @Test(arguments: Variant.all, Sample.allCases)
    func whatWasCompressedComesBack(variant: Variant, sample: Sample) throws {
        let plain = sample.bytes
        let compressed = try variant.codec.compress(plain, variant.options)
        for budget in [1, 1000, 65_536, plain.count, .max]
        where plain.count / max(budget, 1) < 50_000 {
            let back = try decompress(
                variant.codec, compressed, cap: plain.count, budget: budget, prefix: [1, 2, 3])
            #expect(back == plain, "budget \(budget)")
        }
    }

    /// Trap 16: the cap holds for exactly as many bytes as it says.
    @Test(arguments: Variant.all)
    func oneByteBeyondTheCapIsRefused(variant: Variant) throws {
        let plain = Sample.text.bytes
        let compressed = try variant.codec.compress(plain, variant.options)
        #expect(try decompress(variant.codec, compressed, cap: plain.count) == plain)
        for cap in [plain.count - 1, 1000, 0] {
            #expect(throws: CompressionError.tooLarge(variant.codec, cap: cap)) {
                try decompress(variant.codec, compressed, cap: cap)
            }
        }
    }

    /// Trap 16: a bomb is stopped while it grows, and not after it has taken the memory.
    @Test(arguments: Variant.all)
    func aBombTakesNoMoreMemoryThanItsCap(variant: Variant) throws {
        guard variant.codec != .none else { return }
        let cap = 1_000_000
        let bomb = try variant.codec.compress(
            [UInt8](repeating: 0, count: 50_000_000), variant.options)
        var output = ByteWriter()
        var decompressor = Decompressor()
        #expect(throws: CompressionError.tooLarge(variant.codec, cap: cap)) {
            try run(variant.codec, bomb, cap: cap, budget: .max, into: &output, &decompressor)
        }
        #expect(output.count <= cap + 4 << 20)
        #expect(output.allocatedBytes <= 2 * cap + 8 << 20)
    }

    @Test(arguments: Variant.all)
    func everyTruncationIsRefused(variant: Variant) throws {
        guard variant.codec != .none else { return }
        let plain = Array(Sample.text.bytes.prefix(3000))
        let compressed = try variant.codec.compress(plain, variant.options)
        for count in 0..<compressed.count {
            // The chunks of xerial's framing just stop: without any, there is nothing.
            if variant.codec == .snappy && variant.options.snappyFraming == .xerial && count == 16 {
                continue
            }
            // LZ4's last block may end the frame: 3,000 bytes are one block.
            if variant.codec == .lz4,
                (try? decompress(variant.codec, Array(compressed.prefix(count)))) == plain
            {
                continue
            }
            #expect(throws: CompressionError.self, "\(count) of \(compressed.count)") {
                try decompress(variant.codec, Array(compressed.prefix(count)))
            }
        }
    }

    @Test(arguments: Variant.all)
    func bytesBehindTheEndAreRefused(variant: Variant) throws {
        // What follows gzip's members and is none is padding.
        guard ![.none, .gzip].contains(variant.codec) else { return }
        let compressed = try variant.codec.compress(Sample.one.bytes, variant.options)
        for rest in [[0], [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] as [[UInt8]] {
            #expect(throws: CompressionError.self) {
                try decompress(variant.codec, compressed + rest)
            }
        }
    }

    /// Damaged bytes give an error or other bytes, within the cap, and never a trap.
    @Test(arguments: Variant.all)
    func damageIsContained(variant: Variant) throws {
        var random = SeededRandom(seed: 7)
        let plain = Array(Sample.text.bytes.prefix(5000)) + Sample.zeros.bytes.prefix(70_000)
        let intact = try variant.codec.compress(plain, variant.options)
        var decompressor = Decompressor()
        var refused = 0
        for _ in 0..<500 {
            var damaged = intact
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<damaged.count, using: &random)
                damaged[at] = UInt8.random(in: 0...255, using: &random)
            }
            do throws(CompressionError) {
                let back = try decompress(
                    variant.codec, damaged, cap: 200_000, budget: 30_000, &decompressor)
                #expect(back.count <= 200_000)
            } catch {
                refused += 1
            }
        }
        #expect(variant.codec == .none || refused > 0)
        // The contexts that are kept have taken no harm.
        #expect(try decompress(variant.codec, intact, &decompressor) == plain)
    }

    @Test func aBatchThatIsGivenUpLeavesNothingBehind() throws {
        var decompressor = Decompressor()
        var output = ByteWriter()
        for variant in Variant.all {
            let compressed = try variant.codec.compress(Sample.text.bytes, variant.options)
            try compressed.withUnsafeBytes { bytes in
                try decompressor.begin(variant.codec, input: bytes, cap: .max)
                _ = try decompressor.step(into: &output, budget: 10)
            }
            let back = try decompress(variant.codec, compressed, &decompressor)
            #expect(back == Sample.text.bytes, "\(variant)")
        }
    }

    @Test func aStepEndsAtItsBudget() throws {
        let plain = Sample.zeros.bytes
        for (codec, block) in [(Codec.gzip, 0), (.lz4, 65_536), (.snappy, 32_768), (.zstd, 0)] {
            let compressed = try codec.compress(plain)
            var decompressor = Decompressor()
            var output = ByteWriter()
            try compressed.withUnsafeBytes { bytes in
                try decompressor.begin(codec, input: bytes, cap: .max)
                var steps = 1, before = 0
                while try decompressor.step(into: &output, budget: 10_000) == .more {
                    #expect(output.count - before < 10_000 + max(block, 1), "\(codec)")
                    before = output.count
                    steps += 1
                }
                #expect(steps >= plain.count / max(block, 10_000), "\(codec)")
            }
            #expect(output.array == plain)
        }
    }

    @Test func errorsSayWhatToDo() {
        #expect(
            CompressionError.unavailable(.zstd).description
                == "no library for zstd: install the package libzstd1")
        #expect(CompressionError.windowTooLarge.description == "a zstd window of more than 128 MiB")
        #expect(
            CompressionError.tooLarge(.gzip, cap: 10).description
                == "gzip data of more than 10 plain bytes")
    }
}
