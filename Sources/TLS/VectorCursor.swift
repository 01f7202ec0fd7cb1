import Glibc

/// Vectors as pieces of at most one TLS record: small ones are joined, large ones borrowed.
struct VectorCursor {
    private let vectors: UnsafeBufferPointer<iovec>
    private var index = 0
    private var offset = 0
    /// Bytes of all pieces so far.
    private(set) var taken = 0

    /// A vector from here on is a piece of its own: a copy would cost more than another record.
    private static let borrowedBytesMin = 4 * 1024

    init(_ vectors: UnsafeBufferPointer<iovec>) { self.vectors = vectors }

    /// The next piece, in `scratch` or where it was; nil behind the last.
    mutating func next(_ scratch: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let first = current() else { return nil }
        if first.count >= Self.borrowedBytesMin || index == vectors.count - 1 {
            let piece = UnsafeRawBufferPointer(rebasing: first.prefix(scratch.count))
            advance(piece.count)
            return piece
        }
        var filled = 0
        while filled < scratch.count, let part = current() {
            let count = min(part.count, scratch.count - filled)
            let room = UnsafeMutableRawBufferPointer(rebasing: scratch[filled..<filled + count])
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: part.prefix(count)))
            advance(count)
            filled += count
        }
        return UnsafeRawBufferPointer(rebasing: scratch.prefix(filled))
    }

    /// What is left of the current vector; empty ones are passed over.
    private mutating func current() -> UnsafeRawBufferPointer? {
        while index < vectors.count {
            let vector = vectors[index]
            if let base = vector.iov_base, offset < vector.iov_len {
                return UnsafeRawBufferPointer(start: base + offset, count: vector.iov_len - offset)
            }
            index += 1
            offset = 0
        }
        return nil
    }

    private mutating func advance(_ count: Int) {
        offset += count
        taken += count
    }
}
