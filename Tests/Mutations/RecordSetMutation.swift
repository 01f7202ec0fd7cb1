import Bytes
import Compression
import Digests
import KafkaProtocol
import Timing

/// Record sets with some bytes changed, and the checksums of their batches made anew: what is
/// wrong is then found by those who read the batches.
enum RecordSetMutation {
    /// Of a batch, and of the older entries: where each fixed field lies, and its width.
    private static let fields = [
        (0, 8), (8, 4), (12, 4), (16, 1), (21, 2), (23, 4), (27, 8), (35, 8), (43, 8), (51, 2),
        (53, 4), (57, 4),
    ]
    private static let legacyFields = [(0, 8), (8, 4), (16, 1), (17, 1), (18, 8), (18, 4), (26, 4)]
    private static let bodyAt = 61

    static func mutated(_ set: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var set = set
        let entries = entries(of: set)
        if let entry = entries.isEmpty ? nil : random.one(of: entries) {
            if random.once(in: 4), let inner = unpacked(set, entry) {
                set.replaceSubrange(entry, with: repacked(set[entry], inner, &random))
            } else {
                damage(&set, entry, &random)
            }
            if random.once(in: 16), let again = self.entries(of: set).first { set += set[again] }
        }
        if random.once(in: 12) { FrameMutation.shift(&set, from: 0, &random) }
        makeChecksums(&set)
        return set
    }

    private static func damage(
        _ set: inout [UInt8], _ entry: Range<Int>, _ random: inout SeededRandom
    ) {
        for _ in 0...random.below(2) {
            let fields = isLegacy(set, entry) ? legacyFields : fields
            let (place, width) = random.one(of: fields)
            let value = random.once(in: 2) ? random.extreme() : Int64(random.below(300))
            FrameMutation.put(value, width, at: entry.lowerBound + place, in: entry, of: &set)
        }
        let body = entry.lowerBound + (isLegacy(set, entry) ? 26 : bodyAt)
        if random.once(in: 2), body < entry.upperBound {
            FrameMutation.damage(&set, in: body..<entry.upperBound, &random)
        }
    }

    private static func isLegacy(_ set: [UInt8], _ entry: Range<Int>) -> Bool {
        set[entry.lowerBound + 16] < 2
    }

    /// The whole entries, as their lengths say.
    static func entries(of set: [UInt8]) -> [Range<Int>] {
        var entries: [Range<Int>] = []
        var place = 0
        while set.count - place > 17 {
            let length = int32(set, place + 8)
            guard length > 5, length <= set.count - place - 12 else { break }
            entries.append(place..<place + 12 + length)
            place += 12 + length
        }
        return entries
    }

    private static func int32(_ bytes: [UInt8], _ place: Int) -> Int {
        let value = bytes[place..<place + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Int(Int32(bitPattern: value))
    }

    /// CRC-32C of batches, CRC-32 of the older entries.
    static func makeChecksums(_ set: inout [UInt8]) {
        for entry in entries(of: set) {
            let isLegacy = isLegacy(set, entry)
            let (at, from) = isLegacy ? (12, 16) : (17, 21)
            guard entry.count >= from else { continue }
            let sum = set.withUnsafeBytes { bytes in
                let covered = UnsafeRawBufferPointer(
                    rebasing: bytes[entry.lowerBound + from..<entry.upperBound])
                return isLegacy ? crc32(covered) : crc32c(covered)
            }
            FrameMutation.put(Int64(sum), 4, at: entry.lowerBound + at, in: entry, of: &set)
        }
    }

    // MARK: Compressed

    /// The records of a compressed entry; nil if it is not, or cannot be read.
    private static func unpacked(_ set: [UInt8], _ entry: Range<Int>) -> [UInt8]? {
        set.withUnsafeBytes { bytes in
            var reader = RecordSetReader(UnsafeRawBufferPointer(rebasing: bytes[entry]))
            guard let batch = try? reader.next(), batch.header.compressionCode != 0,
                let codec = Codec(rawValue: batch.header.compressionCode)
            else { return nil }
            var output = ByteWriter()
            var decompressor = Decompressor()
            guard (try? decompressor.begin(codec, input: batch.payload, cap: 1 << 20)) != nil
            else { return nil }
            while let progress = try? decompressor.step(into: &output, budget: 1 << 20) {
                if progress == .done { return output.array }
            }
            return nil
        }
    }

    /// The entry with `plain` in it, some bytes of which are changed.
    private static func repacked(
        _ entry: ArraySlice<UInt8>, _ plain: [UInt8], _ random: inout SeededRandom
    ) -> [UInt8] {
        var plain = plain
        let entry = Array(entry)
        let isLegacy = entry[16] < 2
        FrameMutation.damage(&plain, in: plain.indices, &random)
        if random.once(in: 4) { FrameMutation.shift(&plain, from: 0, &random) }
        if isLegacy { makeChecksums(&plain) }
        guard let codec = Codec(rawValue: Int(entry[isLegacy ? 17 : 22] & (isLegacy ? 3 : 7))),
            let packed = try? codec.compress(plain, options(&random))
        else { return entry }
        var made = isLegacy ? legacyHead(entry, packed.count) : Array(entry[..<bodyAt])
        made += packed
        FrameMutation.put(Int64(made.count - 12), 4, at: 8, in: made.indices, of: &made)
        return made
    }

    /// A wrapper without a key: lengths of key and value stand in front of the value.
    private static func legacyHead(_ entry: [UInt8], _ count: Int) -> [UInt8] {
        var head = Array(entry[..<(entry[16] == 0 ? 18 : 26)]) + [UInt8](repeating: 0xff, count: 8)
        FrameMutation.put(Int64(count), 4, at: head.count - 4, in: head.indices, of: &head)
        return head
    }

    private static func options(_ random: inout SeededRandom) -> CompressionOptions {
        var options = CompressionOptions()
        options.snappyFraming = random.once(in: 2) ? .raw : .xerial
        options.lz4LinkedBlocks = random.once(in: 2)
        options.zstdContentSize = random.once(in: 2)
        options.level = 1
        return options
    }
}
