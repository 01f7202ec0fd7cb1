/// A request with a CmdPing as every encoder writes it. Its reply, a PongResp with the same state,
/// has the same bytes: `CmdPing` and `PongResp` are field 32 of `PubSubReq` and of `PubSubResp`,
/// and the state is field 1 of both.
public enum PlainPing {
    /// Whether `message` is one: the sequence, unless it is 0, and the command, with a state of up
    /// to 125 bytes or none; nothing twice, nothing else, no number longer than it has to be. What
    /// is not goes the long way, right or wrong.
    @inlinable
    public static func matches(_ message: UnsafeRawBufferPointer) -> Bool {
        guard let start = message.baseAddress, message.count >= 3 else { return false }
        var at = start
        let end = start + message.count
        if at.load(as: UInt8.self) == 1 << 3 {
            guard let behind = sequenceEnd(at + 1, end) else { return false }
            at = behind
        }
        // Field 32 of wire type 2, and its length.
        guard end - at >= 3, at.load(as: UInt8.self) == 0x82,
            at.load(fromByteOffset: 1, as: UInt8.self) == 0x02,
            Int(at.load(fromByteOffset: 2, as: UInt8.self)) == end - at - 3, end - at - 3 < 0x80
        else { return false }
        at += 3
        if at == end { return true }
        // Field 1 of wire type 2, which is not there when it is empty.
        return end - at > 2 && at.load(as: UInt8.self) == 1 << 3 | 2
            && Int(at.load(fromByteOffset: 1, as: UInt8.self)) == end - at - 2
    }

    /// Behind a varint that is not 0 and as short as can be; nil for any other.
    @inlinable
    static func sequenceEnd(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer
    ) -> UnsafeRawPointer? {
        var at = start
        while at < end, at - start < 10 {
            let byte = at.load(as: UInt8.self)
            at += 1
            if byte >= 0x80 { continue }
            return byte == 0 || (at - start == 10 && byte > 1) ? nil : at
        }
        return nil
    }
}
