import Bytes
import KafkaCore
import WebSocketProtocol

/// What all replies of a loop are made with: buffers that are used again, and the compressors.
final class Workshop {
    let cache: LogCache
    let codec = DeflateCodec()
    /// A message before it is framed.
    var plain = ByteWriter(capacity: 4096)
    var packed = ByteWriter()
    let chunks = PackedChunks()
    /// Plain bytes of all chunks that were made: the work, however little compression leaves.
    private(set) var madeBytes: UInt64 = 0

    init(cache: LogCache) { self.cache = cache }

    /// A chunk was made of `plain`.
    func countChunk() { madeBytes &+= UInt64(plain.count) }

    /// Compresses `plain` into `packed`, a whole message.
    func deflate(windowBits: Int) {
        packed.removeAll()
        plain.withBytes { codec.compress($0, windowBits: windowBits, into: &packed) }
    }

    /// Appends to `packed` what `plain` holds, the bytes at `start`; it ends with a marker.
    func deflateChunk(at start: RecordCursor, windowBits: Int) {
        plain.withBytes { bytes in
            chunks.append(bytes, at: start, windowBits: windowBits, into: &packed) {
                codec.deflater(windowBits).deflate(bytes, into: &$0)
            }
        }
    }
}
