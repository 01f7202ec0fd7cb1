import CShims

/// CRC-32C (Castagnoli), which covers a record batch from its attributes on.
///
/// - Parameter seed: the CRC of the bytes in front of these, so that
///   `crc32c(b, seed: crc32c(a))` is the CRC of `a` and `b` together.
public func crc32c(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    cshims_crc32c(seed, bytes.baseAddress, bytes.count)
}

/// CRC-32 (IEEE 802.3), which covers a message of magic 0 or 1.
public func crc32(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    // zlib answers its initial value for a null pointer, whatever the seed.
    guard let base = bytes.baseAddress else { return seed }
    return cshims_crc32(seed, base, bytes.count)
}
