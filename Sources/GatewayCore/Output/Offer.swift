import Glibc

/// Buffers for one write.
struct Offer {
    let limit: Int
    var count = 0
    var bytes = 0

    init(limit: Int) { self.limit = limit }

    var left: Int { limit - bytes }
    var hasRoom: Bool { count < GatewayEngine.iovecsMax && bytes < limit }

    mutating func add(_ piece: UnsafeRawBufferPointer, _ iovecs: inout [iovec]) {
        guard piece.count > 0, hasRoom else { return }
        let base = UnsafeMutableRawPointer(mutating: piece.baseAddress)
        iovecs[count] = iovec(iov_base: base, iov_len: piece.count)
        count += 1
        bytes += piece.count
    }
}
