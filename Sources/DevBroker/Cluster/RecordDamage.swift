import Digests
import KafkaProtocol

/// What a fault does to the first record batch of an answer. The log keeps the good one.
public enum RecordDamage: String, Sendable, CaseIterable {
    /// A bit of its last byte is turned over: the checksum is wrong.
    case checksum
    /// It names a codec that does not exist; the checksum is right.
    case codec
    /// It says that it is compressed with gzip, and is not; the checksum is right.
    case compression
    /// It says that it holds one record more than it does; the checksum is right.
    case count
    /// The records end inside of it, however much room the client gave.
    case cut

    private static let lengthAt = 8
    private static let checksumAt = 17
    private static let attributesAt = 21
    private static let countAt = 57

    /// Bytes that hold no whole batch of the current format are left as they are.
    func apply(to bytes: inout [UInt8]) {
        guard bytes.count > RecordBatchHeader.byteCount, bytes[16] == 2 else { return }
        let length = bytes[Self.lengthAt..<Self.lengthAt + 4].reduce(0) { $0 << 8 | Int($1) }
        let end = RecordBatchHeader.prefixByteCount + length
        guard end > RecordBatchHeader.byteCount, end <= bytes.count else { return }
        switch self {
        case .checksum: bytes[end - 1] ^= 1
        case .codec: bytes[Self.attributesAt + 1] |= 7
        case .compression:
            bytes[Self.attributesAt + 1] = bytes[Self.attributesAt + 1] & 0xf8 | 1
        case .count: bytes[Self.countAt + 3] &+= 1
        case .cut: bytes.removeSubrange((end - 1)...)
        }
        if self != .checksum && self != .cut { sign(&bytes, upTo: end) }
    }

    private func sign(_ bytes: inout [UInt8], upTo end: Int) {
        let crc = bytes.withUnsafeBytes {
            crc32c(UnsafeRawBufferPointer(rebasing: $0[Self.attributesAt..<end]))
        }
        for place in 0..<4 {
            bytes[Self.checksumAt + place] = UInt8(truncatingIfNeeded: crc >> (24 - 8 * place))
        }
    }
}
