/// One frame as the peer of the server sees or makes it.
struct ClientFrame: Equatable {
    var opcode: UInt8
    var payload: [UInt8]
    var isFinal = true
    var rsv1 = false

    static let text: UInt8 = 1
    static let binary: UInt8 = 2
    static let close: UInt8 = 8
    static let ping: UInt8 = 9
    static let pong: UInt8 = 10

    /// Masked, as clients must.
    var bytes: [UInt8] {
        var bytes: [UInt8] = [opcode | (isFinal ? 0x80 : 0) | (rsv1 ? 0x40 : 0)]
        if payload.count < 126 {
            bytes.append(0x80 | UInt8(payload.count))
        } else if payload.count < 65_536 {
            bytes += [0xfe, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        } else {
            bytes.append(0xff)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        let mask: [UInt8] = [0x12, 0x34, 0x56, 0x78]
        bytes += mask
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index & 3]) }
        return bytes
    }

    /// The first frame of a server; nil: not whole yet.
    static func take(_ bytes: inout ArraySlice<UInt8>) -> ClientFrame? {
        let start = bytes.startIndex
        guard bytes.count >= 2 else { return nil }
        precondition(bytes[start + 1] & 0x80 == 0, "a server does not mask")
        precondition(bytes[start] & 0x30 == 0, "RSV2 and RSV3 are clear")
        var length = Int(bytes[start + 1])
        var head = 2
        if length >= 126 {
            let count = length == 126 ? 2 : 8
            guard bytes.count >= 2 + count else { return nil }
            length = bytes[start + 2..<start + 2 + count].reduce(0) { $0 << 8 | Int($1) }
            head += count
        }
        guard bytes.count - head >= length else { return nil }
        let first = bytes[start]
        let payload = Array(bytes[start + head..<start + head + length])
        bytes = bytes[(start + head + length)...]
        return ClientFrame(
            opcode: first & 15, payload: payload, isFinal: first & 0x80 != 0,
            rsv1: first & 0x40 != 0)
    }
}
