import Bytes
import EventLoop
import Glibc

/// What the socket has not taken yet. Empty, and without memory, as long as the peer reads.
struct EchoOutput: ~Copyable {
    static let corkBytesKept = 131_072

    private var unsent = ByteWriter()
    private var sent = 0

    var isEmpty: Bool { unsent.count == sent }
    var count: Int { unsent.count - sent }

    /// Sends what is left over, then `cork`, which is emptied, then `payload`; what the socket
    /// does not take is kept. Answers false when the connection is gone.
    mutating func send(
        _ cork: inout ByteWriter, _ payload: UnsafeRawBufferPointer, to transport: PlainTransport
    ) -> Bool {
        defer { Self.empty(&cork) }
        if !isEmpty || cork.count + payload.count == 0 {
            keep(&cork, payload, from: 0)
            return drain(to: transport)
        }
        let taken: Int
        switch cork.withBytes({ Self.write($0, payload, to: transport) }) {
        case .bytes(let count): taken = count
        case .wouldBlock: taken = 0
        case .failed: return false
        }
        if taken < cork.count + payload.count { keep(&cork, payload, from: taken) }
        return true
    }

    private mutating func keep(
        _ cork: inout ByteWriter, _ payload: UnsafeRawBufferPointer, from taken: Int
    ) {
        let ofCork = min(taken, cork.count)
        cork.withBytes { unsent.bytes(UnsafeRawBufferPointer(rebasing: $0[ofCork...])) }
        unsent.bytes(UnsafeRawBufferPointer(rebasing: payload[(taken - ofCork)...]))
    }

    /// The cork serves all sessions, but need not stay as large as the largest reply was.
    private static func empty(_ cork: inout ByteWriter) {
        if cork.allocatedBytes > corkBytesKept {
            cork = ByteWriter(capacity: corkBytesKept)
        } else {
            cork.removeAll()
        }
    }

    private mutating func drain(to transport: PlainTransport) -> Bool {
        guard !isEmpty else { return true }
        let left = unsent.withBytes { UnsafeRawBufferPointer(rebasing: $0[sent...]) }
        switch Self.write(left, UnsafeRawBufferPointer(start: nil, count: 0), to: transport) {
        case .bytes(let count): sent += count
        case .wouldBlock: break
        case .failed: return false
        }
        if isEmpty {
            unsent = ByteWriter()
            sent = 0
        }
        return true
    }

    /// Two parts at most; an empty second one is left out.
    private static func write(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer,
        to transport: PlainTransport
    ) -> WriteResult {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
            vectors[0] = Self.vector(first)
            vectors[1] = Self.vector(second)
            return transport.write(
                UnsafeBufferPointer(start: vectors.baseAddress, count: second.isEmpty ? 1 : 2))
        }
    }

    private static func vector(_ part: UnsafeRawBufferPointer) -> iovec {
        iovec(
            iov_base: UnsafeMutableRawPointer(mutating: part.baseAddress), iov_len: part.count)
    }
}
