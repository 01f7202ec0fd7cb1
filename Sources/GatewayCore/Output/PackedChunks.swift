import Bytes
import Digests
import KafkaCore

/// Compressed chunks of records that more than one session may be sent. A chunk refers to nothing
/// outside of it, so it fits into everybody's message.
final class PackedChunks {
    /// The same place of the same log, and the same bytes there: a log that was truncated or
    /// purged meanwhile has others.
    private struct Key: Hashable {
        let log: ObjectIdentifier
        let offset: Int64
        let skipBytes: Int
        let count: Int
        let checksum: UInt32
        let windowBits: Int
    }

    private struct Chunk {
        /// Keeps the identity in the key from being used again.
        let log: PartitionLog
        let packed: [UInt8]
    }

    /// Of packed bytes: a few megabytes of records, which is what the subscribers of a live topic
    /// lie apart.
    static let bytesMax = 4 << 20
    /// What one more chunk costs beside its bytes: clients choose where chunks of theirs begin, and
    /// may want thousands of a few bytes.
    static let chunkOverheadBytes = 256

    private var chunks: [Key: Chunk] = [:]
    /// In the order of their coming, which is that of their going.
    private var keys: [Key] = []
    private var first = 0
    private(set) var byteCount = 0
    private(set) var madeCount = 0
    private(set) var sharedCount = 0

    /// Appends the compressed form of `plain`, the bytes at `start`; `make` compresses.
    func append(
        _ plain: UnsafeRawBufferPointer, at start: RecordCursor, windowBits: Int,
        into output: inout ByteWriter, make: (inout ByteWriter) -> Void
    ) {
        let key = Key(
            log: ObjectIdentifier(start.log), offset: start.offset, skipBytes: start.skipBytes,
            count: plain.count, checksum: crc32c(plain), windowBits: windowBits)
        if let known = chunks[key] {
            sharedCount += 1
            return output.bytes(known.packed)
        }
        let from = output.count
        make(&output)
        madeCount += 1
        let packed = output.withBytes { Array($0[from...]) }
        chunks[key] = Chunk(log: start.log, packed: packed)
        keys.append(key)
        byteCount += packed.count + Self.chunkOverheadBytes
        while byteCount > Self.bytesMax { dropOldest() }
    }

    private func dropOldest() {
        if let old = chunks.removeValue(forKey: keys[first]) {
            byteCount -= old.packed.count + Self.chunkOverheadBytes
        }
        first += 1
        guard first > 1024 || first == keys.count else { return }
        keys.removeFirst(first)
        first = 0
    }
}
