import Bytes

/// DEFLATE's blocks of bytes as they are (RFC 1951 section 3.2.4), where the stream stands at the
/// boundary of a byte.
enum StoredBlock {
    private static let bytesMax = 65_535

    static func write(_ bytes: UnsafeRawBufferPointer, into output: inout ByteWriter) {
        var rest = bytes
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(bytesMax))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
            let count = UInt16(part.count)
            output.uint8(0)
            for half in [count, ~count] {
                output.uint8(UInt8(half & 255))
                output.uint8(UInt8(half >> 8))
            }
            output.bytes(part)
        }
    }

    /// What is left of an empty block when RFC 7692 section 7.2.1 has taken its last four bytes:
    /// every compressed message ends so.
    static func writeEnd(into output: inout ByteWriter) { output.uint8(0) }
}
