import Bytes
import EventLoop
import Glibc

/// Frames on their way to a broker, in order.
struct Outbox {
    /// Frames of one write.
    private static let vectorsMax = 64

    private var blocks: [ByteBlock] = []
    /// Bytes of the first block that were taken.
    private var skip = 0

    var isEmpty: Bool { blocks.isEmpty }

    mutating func append(_ block: ByteBlock) {
        if block.count > 0 { blocks.append(block) }
    }

    /// Writes until everything is taken or the socket is full.
    mutating func write(to transport: any StreamTransport) -> TransportFailure? {
        while !blocks.isEmpty {
            switch offer(transport) {
            case .bytes(let count): take(count)
            case .wouldBlock: return nil
            case .failed(let failure): return failure
            }
        }
        return nil
    }

    private func offer(_ transport: any StreamTransport) -> WriteResult {
        let count = min(blocks.count, Self.vectorsMax)
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) { vectors in
            for index in 0..<count {
                let bytes = blocks[index].mutableBytes
                let start = index == 0 ? skip : 0
                vectors[index] = iovec(
                    iov_base: bytes.baseAddress.map { $0 + start },
                    iov_len: bytes.count - start)
            }
            return transport.write(UnsafeBufferPointer(vectors))
        }
    }

    private mutating func take(_ count: Int) {
        var left = count
        var done = 0
        while done < blocks.count, left >= blocks[done].count - skip {
            left -= blocks[done].count - skip
            skip = 0
            done += 1
        }
        skip += left
        blocks.removeFirst(done)
    }
}
