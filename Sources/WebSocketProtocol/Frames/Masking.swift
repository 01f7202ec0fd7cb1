/// XOR with a key of four bytes (RFC 6455 section 5.3).
enum Masking {
    /// Unmasks in place. `mask` is the key as it lies in memory; the result is the key for the
    /// bytes that follow, turned by what was done.
    @inline(__always)
    static func unmask(_ bytes: UnsafeMutableRawBufferPointer, _ mask: UInt32) -> UInt32 {
        guard let start = bytes.baseAddress else { return mask }
        let count = bytes.count
        var at = start
        let end = start + count
        if count >= 32 {
            let wide = SIMD4<UInt64>(repeating: UInt64(mask) << 32 | UInt64(mask))
            while end - at >= 32 {
                let masked = at.loadUnaligned(as: SIMD4<UInt64>.self)
                at.storeBytes(of: masked ^ wide, as: SIMD4<UInt64>.self)
                at += 32
            }
        }
        let word = UInt64(mask) << 32 | UInt64(mask)
        while end - at >= 8 {
            at.storeBytes(of: at.loadUnaligned(as: UInt64.self) ^ word, as: UInt64.self)
            at += 8
        }
        var rest = mask
        while at < end {
            at.storeBytes(
                of: at.load(as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest), as: UInt8.self)
            rest = rest >> 8 | rest << 24
            at += 1
        }
        return rest
    }
}
