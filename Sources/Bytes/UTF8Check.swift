/// Well-formedness of UTF-8 as the Unicode standard's table 3-7 has it: no overlong forms, no
/// surrogates, nothing beyond U+10FFFF.
public enum UTF8Check {
    /// The length of the sequence that starts at `place`, 0 if none well-formed does.
    @inlinable
    public static func sequence(at place: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        let left = bytes.count - place
        guard left > 0 else { return 0 }
        let lead = bytes[place]
        if lead < 0x80 { return 1 }
        guard left > 1 else { return 0 }
        let second = bytes[place + 1]
        switch lead {
        case 0xc2...0xdf:
            return second & 0xc0 == 0x80 ? 2 : 0
        case 0xe0...0xef:
            let low: UInt8 = lead == 0xe0 ? 0xa0 : 0x80
            let high: UInt8 = lead == 0xed ? 0x9f : 0xbf
            guard second >= low, second <= high, left > 2 else { return 0 }
            return bytes[place + 2] & 0xc0 == 0x80 ? 3 : 0
        case 0xf0...0xf4:
            let low: UInt8 = lead == 0xf0 ? 0x90 : 0x80
            let high: UInt8 = lead == 0xf4 ? 0x8f : 0xbf
            guard second >= low, second <= high, left > 3 else { return 0 }
            return bytes[place + 2] & 0xc0 == 0x80 && bytes[place + 3] & 0xc0 == 0x80 ? 4 : 0
        default:
            return 0
        }
    }

    /// Where the first byte lies that belongs to no well-formed sequence; nil if there is none.
    @inlinable
    public static func firstFault(in bytes: UnsafeRawBufferPointer) -> Int? {
        var place = 0
        while place < bytes.count {
            if place + 8 <= bytes.count,
                bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) & 0x8080_8080_8080_8080
                    == 0
            {
                place += 8
                continue
            }
            let length = sequence(at: place, in: bytes)
            if length == 0 { return place }
            place += length
        }
        return nil
    }
}
