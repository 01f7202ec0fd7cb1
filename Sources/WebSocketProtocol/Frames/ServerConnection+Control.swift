import Bytes

/// Pings, pongs and closes (RFC 6455 section 5.5).
extension ServerConnection {
    /// The event of the control frame under way, or nil while its payload is incomplete.
    mutating func controlEvent(_ input: inout MutableInput) throws(FrameFault) -> Event? {
        guard let header = control else { return nil }
        let missing = Int(header.length) - carry.count
        if carry.isEmpty && input.remaining >= missing {
            let payload = take(missing, from: &input)
            _ = Masking.unmask(payload, header.mask)
            control = nil
            return try event(header.opcode, UnsafeRawBufferPointer(payload))
        }
        let piece = take(min(missing, input.remaining), from: &input)
        carry.bytes(UnsafeRawBufferPointer(piece))
        guard piece.count == missing else { return nil }
        carry.withMutableBytes { _ = Masking.unmask($0, header.mask) }
        control = nil
        isLending = true
        return try event(header.opcode, carry.withBytes { $0 })
    }

    private func event(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer
    ) throws(FrameFault) -> Event {
        switch opcode {
        case .ping: .ping(payload)
        case .pong: .pong(payload)
        default: try closeEvent(payload)
        }
    }

    private func closeEvent(_ payload: UnsafeRawBufferPointer) throws(FrameFault) -> Event {
        guard payload.count > 0 else {
            return .close(nil, reason: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        guard payload.count > 1 else { throw FrameFault(.closePayloadOfOneByte) }
        let code = CloseCode(
            rawValue: UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self)))
        guard code.isAllowedOnTheWire else { throw FrameFault(.invalidCloseCode(code.rawValue)) }
        let reason = UnsafeRawBufferPointer(rebasing: payload[2...])
        var utf8 = UTF8Validator()
        guard utf8.accept(reason) && utf8.isComplete else {
            throw FrameFault(.closeReasonNotUTF8)
        }
        return .close(code, reason: reason)
    }
}
