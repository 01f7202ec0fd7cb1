import Bytes
import Compression
import Testing

/// What is particular to one codec: the traps of Kafka's codecs, and bytes made by hand.
@Suite struct FormatTests {
    // MARK: Snappy

    @Test("Trap 13: both framings, told apart by the magic")
    func snappyFramings() throws {
        // "Wikipedia" as one literal.
        let raw: [UInt8] = [9, 8 << 2] + Array("Wikipedia".utf8)
        #expect(try decompress(.snappy, raw) == Array("Wikipedia".utf8))
        let head: [UInt8] = [0x82] + Array("SNAPPY".utf8) + [0, 0, 0, 0, 1, 0, 0, 0, 1]
        let chunk = [0, 0, 0, UInt8(raw.count)] + raw
        #expect(try decompress(.snappy, head + chunk + chunk) == Array("WikipediaWikipedia".utf8))
        #expect(try decompress(.snappy, head) == [])
        // No plain bytes at all.
        #expect(try decompress(.snappy, [0]) == [])
        #expect(try decompress(.snappy, head + [0, 0, 0, 1, 0]) == [])
        // Too short for the header of the framing: a raw block that promises 10,626 bytes.
        #expect(throws: CompressionError.self) { try decompress(.snappy, Array(head.prefix(15))) }
    }

    @Test("Trap 13: a chunk's promise is checked before room is made for it")
    func snappyPromises() {
        // 4,294,967,295 plain bytes in five.
        let promise: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0x0f]
        #expect(throws: CompressionError.corrupt(.snappy, at: 0)) {
            try decompress(.snappy, promise)
        }
        let head: [UInt8] = [0x82] + Array("SNAPPY".utf8) + [0, 0, 0, 0, 1, 0, 0, 0, 1]
        #expect(throws: CompressionError.truncated(.snappy)) {
            try decompress(.snappy, head + [0xff, 0xff, 0xff, 0xff, 1, 2, 3])
        }
        #expect(throws: CompressionError.corrupt(.snappy, at: 20)) {
            try decompress(.snappy, head + [0, 0, 0, 0, 1, 2, 3])
        }
    }

    // MARK: LZ4

    static let lz4Magic: [UInt8] = [0x04, 0x22, 0x4d, 0x18]
    /// An uncompressed block "abc", and the end mark.
    static let lz4Body: [UInt8] = [3, 0, 0, 0x80] + Array("abc".utf8) + [0, 0, 0, 0]

    func lz4(_ flag: UInt8, _ block: UInt8 = 0x40, _ rest: [UInt8] = [0]) throws -> [UInt8] {
        try decompress(.lz4, Self.lz4Magic + [flag, block] + rest + Self.lz4Body)
    }

    @Test("Trap 14: the header's checksum is not verified")
    func lz4HeaderChecksum() throws {
        for checksum in UInt8.min...UInt8.max {
            #expect(try lz4(0x60, 0x40, [checksum]) == Array("abc".utf8))
        }
    }

    @Test("Trap 14: reserved bits, dictionaries and other versions are refused")
    func lz4Flags() throws {
        for flag in [0x20, 0xa0, 0xe0, 0x61, 0x62] as [UInt8] {
            #expect(throws: CompressionError.corrupt(.lz4, at: 4)) { try lz4(flag) }
        }
        for block in [0x00, 0x30, 0xc0, 0x41, 0x48] as [UInt8] {
            #expect(throws: CompressionError.corrupt(.lz4, at: 4)) { try lz4(0x60, block) }
        }
        #expect(throws: CompressionError.corrupt(.lz4, at: 0)) {
            try decompress(.lz4, [0x05, 0x22, 0x4d, 0x18, 0x60, 0x40, 0] + Self.lz4Body)
        }
    }

    @Test("Trap 14: the content size is not believed")
    func lz4ContentSize() throws {
        let huge = [UInt8](repeating: 0xff, count: 8) + [0]
        var output = ByteWriter()
        var decompressor = Decompressor()
        try run(
            .lz4, Self.lz4Magic + [0x68, 0x40] + huge + Self.lz4Body, cap: 1 << 40, budget: .max,
            into: &output, &decompressor)
        #expect(output.array == Array("abc".utf8))
        #expect(output.allocatedBytes < 100_000)
    }

    @Test("Trap 14: bytes behind the end mark are an error")
    func lz4TrailingBytes() {
        #expect(throws: CompressionError.trailingBytes(.lz4, at: 18)) {
            try decompress(.lz4, Self.lz4Magic + [0x60, 0x40, 0] + Self.lz4Body + [0])
        }
    }

    @Test("An lz4 frame without its end mark ends with its last block")
    func lz4WithoutEndMark() throws {
        let frame = Self.lz4Magic + [0x60, 0x40, 0] + Self.lz4Body.dropLast(4)
        #expect(try decompress(.lz4, frame) == Array("abc".utf8))
        for cut in 1..<7 {
            #expect(throws: CompressionError.truncated(.lz4)) {
                try decompress(.lz4, frame.dropLast(cut))
            }
        }
    }

    @Test func anLZ4BlockIsNotLargerThanItsFrameAllows() {
        let size: [UInt8] = [1, 0, 1, 0x80]
        #expect(throws: CompressionError.corrupt(.lz4, at: 7)) {
            try decompress(
                .lz4,
                Self.lz4Magic + [0x60, 0x40, 0] + size + [UInt8](repeating: 0, count: 65_537)
                    + [0, 0, 0, 0])
        }
    }

    // MARK: Zstandard

    /// A frame with a window of 2^(10 + exponent) bytes and one raw block "abc".
    func zstdFrame(windowExponent: UInt8) -> [UInt8] {
        [0x28, 0xb5, 0x2f, 0xfd, 0, windowExponent << 3] + [3 << 3 | 1, 0, 0] + Array("abc".utf8)
    }

    @Test("Trap 15: windows up to 128 MiB")
    func zstdWindows() throws {
        #expect(try decompress(.zstd, zstdFrame(windowExponent: 17)) == Array("abc".utf8))
        for exponent in [18, 21, 31] as [UInt8] {
            #expect(throws: CompressionError.windowTooLarge) {
                try decompress(.zstd, zstdFrame(windowExponent: exponent))
            }
        }
    }

    /// RFC 8878 section 3: frames one after the other, and skippable ones (section 3.1.2).
    @Test func zstdFramesFollowEachOther() throws {
        let frame = zstdFrame(windowExponent: 0)
        let skippable: [UInt8] = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]
        #expect(try decompress(.zstd, frame + skippable + frame) == Array("abcabc".utf8))
        #expect(try decompress(.zstd, skippable) == [])
        #expect(throws: CompressionError.corrupt(.zstd, at: frame.count)) {
            try decompress(.zstd, frame + Array("garbage".utf8))
        }
    }

    /// Found by fuzzing: 43 plain bytes promised, none there.
    @Test func aZstdFrameKeepsItsPromiseInAnySteps() {
        let frame: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x2b, 0x01, 0x00, 0x00]
        for budget in [1, 10, .max] {
            #expect(throws: CompressionError.self) {
                try decompress(.zstd, frame, budget: budget)
            }
        }
    }

    // MARK: gzip

    /// RFC 1952 section 2.2.
    @Test func gzipMembersFollowEachOther() throws {
        let a = try Codec.gzip.compress(Array("abc".utf8))
        let b = try Codec.gzip.compress([UInt8](repeating: 7, count: 100_000))
        let plain = Array("abc".utf8) + [UInt8](repeating: 7, count: 100_000)
        for budget in [1000, .max] {
            #expect(try decompress(.gzip, a + b, budget: budget) == plain)
        }
        #expect(throws: CompressionError.truncated(.gzip)) {
            try decompress(.gzip, a + Array(b.dropLast()))
        }
    }

    /// Java's reader and librdkafka stop at the end of the members.
    @Test("Padding behind a gzip member is passed over", arguments: [1, 8, 100])
    func gzipPadding(count: Int) throws {
        let member = try Codec.gzip.compress(Array("abc".utf8))
        for byte in [0, 0x1f, 0xff] as [UInt8] {
            let padding = [UInt8](repeating: byte, count: count)
            for budget in [1, .max] {
                #expect(
                    try decompress(.gzip, member + padding, budget: budget) == Array("abc".utf8))
            }
        }
    }

    @Test func gzipChecksItsSum() throws {
        var compressed = try Codec.gzip.compress(Sample.text.bytes)
        compressed[compressed.count - 5] ^= 1
        #expect(throws: CompressionError.self) { try decompress(.gzip, compressed) }
    }
}
