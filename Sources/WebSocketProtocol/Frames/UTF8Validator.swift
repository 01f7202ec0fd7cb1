/// Checks UTF-8 that arrives in pieces (RFC 3629). It refuses at the first byte behind which no
/// valid text is possible, so that a peer learns of its fault before its message ends.
struct UTF8Validator {
    /// Continuation bytes that the character begun still needs.
    private var needed: UInt8 = 0
    /// What the next continuation byte may be: the ranges keep out overlong forms, surrogates and
    /// what lies above U+10FFFF.
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    /// Whether the text may end here.
    var isComplete: Bool { needed == 0 }

    /// Answers false when the bytes cannot go on to be UTF-8.
    mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        let count = bytes.count
        while at < count {
            if needed == 0 {
                at = Self.skipASCII(bytes, from: at)
                guard at < count else { return true }
                guard begin(bytes[at]) else { return false }
            } else {
                guard bytes[at] >= lowest && bytes[at] <= highest else { return false }
                needed -= 1
                lowest = 0x80
                highest = 0xBF
            }
            at += 1
        }
        return true
    }

    /// The first byte of a character that is not ASCII.
    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: needed = 1
        case 0xE0...0xEF:
            needed = 2
            if byte == 0xE0 { lowest = 0xA0 }
            if byte == 0xED { highest = 0x9F }
        case 0xF0...0xF4:
            needed = 3
            if byte == 0xF0 { lowest = 0x90 }
            if byte == 0xF4 { highest = 0x8F }
        default: return false
        }
        return true
    }

    private static func skipASCII(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var at = start
        while at + 32 <= bytes.count {
            let wide = bytes.loadUnaligned(fromByteOffset: at, as: SIMD4<UInt64>.self)
            let high = wide & SIMD4(repeating: 0x8080_8080_8080_8080)
            guard high == .zero else { break }
            at += 32
        }
        while at + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            let high = word & 0x8080_8080_8080_8080
            // The lowest set bit tells the first byte that is not ASCII.
            guard high == 0 else { return at + UInt64(littleEndian: high).trailingZeroBitCount / 8 }
            at += 8
        }
        while at < bytes.count && bytes[at] < 0x80 { at += 1 }
        return at
    }
}
