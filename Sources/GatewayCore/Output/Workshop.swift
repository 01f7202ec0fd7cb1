import Bytes
import Compression
import KafkaCore
import WebSocketProtocol

/// What all replies of a loop are made with: buffers that are used again, and the compressors.
final class Workshop {
    let cache: LogCache
    /// Inflates what clients send.
    let codec = DeflateCodec()
    /// A message before it is framed.
    var plain = ByteWriter(capacity: 4096)
    var packed = ByteWriter()
    let chunks = PackedChunks()
    private var deflaters = [RawDeflate?](repeating: nil, count: 16)

    init(cache: LogCache) { self.cache = cache }

    /// Compresses `plain` into `packed`, a whole message.
    func deflate(windowBits: Int) {
        packed.removeAll()
        let deflater = deflater(windowBits)
        plain.withBytes { deflater.deflate($0, into: &packed) }
        packed.truncate(to: packed.count - RawDeflate.markerByteCount)
    }

    /// Appends to `packed` what `plain` holds, the bytes at `start`; it ends with a marker.
    func deflateChunk(at start: RecordCursor, windowBits: Int) {
        plain.withBytes { bytes in
            chunks.append(bytes, at: start, windowBits: windowBits, into: &packed) {
                deflater(windowBits).deflate(bytes, into: &$0)
            }
        }
    }

    private func deflater(_ windowBits: Int) -> RawDeflate {
        if let present = deflaters[windowBits] { return present }
        let made = RawDeflate(windowBits: windowBits)
        deflaters[windowBits] = made
        return made
    }
}
