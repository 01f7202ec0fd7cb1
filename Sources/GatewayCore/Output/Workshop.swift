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
    private var deflaters = [RawDeflate?](repeating: nil, count: 16)

    init(cache: LogCache) { self.cache = cache }

    /// Compresses `plain` into `packed`, with or without the marker that ends a flush.
    func deflate(windowBits: Int, keepsMarker: Bool) {
        packed.removeAll()
        let deflater = deflaters[windowBits] ?? RawDeflate(windowBits: windowBits)
        deflaters[windowBits] = deflater
        plain.withBytes { deflater.deflate($0, into: &packed) }
        if !keepsMarker { packed.truncate(to: packed.count - RawDeflate.markerByteCount) }
    }
}
