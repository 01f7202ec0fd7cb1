import Bytes

/// From bytes to events. Every step consumes input or answers nil.
extension ServerConnection {
    mutating func step(_ input: inout MutableInput) throws(FrameFault) -> Event? {
        while true {
            if control != nil { return try controlEvent(&input) }
            if frame.isOpen {
                guard try payload(&input) else { return nil }
                if let event = try endOfFrame() { return event }
                continue
            }
            guard let header = try header(&input) else { return nil }
            if header.opcode.isControl {
                control = header
                continue
            }
            try begin(header)
            if header.isFinal && message.buffer.isEmpty && input.remaining >= frame.remaining {
                return try wholeMessage(&input)
            }
        }
    }

    /// What most clients send: a whole message below 126 bytes, answered from where it lies. nil
    /// for every other frame, right or wrong: those go the long way.
    @inline(__always)
    mutating func shortMessage(_ input: inout MutableInput) throws(FrameFault) -> Event? {
        guard input.remaining >= 6, message.opcode == nil && control == nil && carry.isEmpty,
            let start = input.bytes.baseAddress
        else { return nil }
        let head = (start + input.position).loadUnaligned(as: UInt16.self).bigEndian
        let length = Int(head & 0xFF) - 0x80
        let isText = head >> 8 == 0x81
        guard isText || head >> 8 == 0x82, length >= 0, length < 126,
            input.remaining - 6 >= length, length <= limits.messageBytesMax
        else { return nil }
        beginFrameOffset()
        let frame = start + input.position
        skip(6 + length, in: &input)
        let payload = UnsafeMutableRawBufferPointer(start: frame + 6, count: length)
        _ = Masking.unmask(payload, frame.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        let bytes = UnsafeRawBufferPointer(payload)
        if isText {
            var utf8 = UTF8Validator()
            guard utf8.accept(bytes) && utf8.isComplete else { throw FrameFault(.invalidUTF8) }
        }
        return .message(isText ? .text : .binary, bytes)
    }

    /// The next header. What the input cuts off is carried over to the next one.
    private mutating func header(
        _ input: inout MutableInput
    ) throws(FrameFault) -> FrameHeader? {
        if carry.isEmpty {
            guard !input.isAtEnd else { return nil }
            beginFrameOffset()
            let rest = UnsafeRawBufferPointer(input.rest)
            let decoded = try FrameHeader.decode(rest, allowsCompression: deflate != nil)
            let bytes = take(decoded?.byteCount ?? rest.count, from: &input)
            if decoded == nil { carry.bytes(UnsafeRawBufferPointer(bytes)) }
            return decoded
        }
        while !input.isAtEnd {
            carry.bytes(UnsafeRawBufferPointer(take(1, from: &input)))
            let decoded = try carry.withBytes { bytes throws(FrameFault) in
                try FrameHeader.decode(bytes, allowsCompression: deflate != nil)
            }
            if let decoded {
                carry = ByteWriter()
                return decoded
            }
        }
        return nil
    }

    /// Checks what a header means here, before anything is held for its payload.
    private mutating func begin(_ header: FrameHeader) throws(FrameFault) {
        if header.opcode == .continuation {
            guard message.opcode != nil else { throw FrameFault(.continuationWithoutStart) }
        } else {
            guard message.opcode == nil else { throw FrameFault(.startInsideOfMessage) }
            message.begin(header)
        }
        guard header.length <= UInt64(limits.messageBytesMax - message.buffer.count) else {
            throw FrameFault(.messageTooBig(bytesMax: limits.messageBytesMax))
        }
        if !header.isFinal {
            message.fragmentCount += 1
            guard message.fragmentCount <= limits.fragmentsMax else {
                throw FrameFault(.tooManyFragments)
            }
        }
        frame = PartialFrame(
            isOpen: true, isFinal: header.isFinal, remaining: Int(header.length),
            mask: header.mask)
    }

    /// The common case: the rest of the message lies in the input.
    @inline(__always)
    private mutating func wholeMessage(
        _ input: inout MutableInput
    ) throws(FrameFault) -> Event? {
        let payload = take(frame.remaining, from: &input)
        _ = Masking.unmask(payload, frame.mask)
        let bytes = UnsafeRawBufferPointer(payload)
        if message.isPlainText && !message.utf8.accept(bytes) { throw FrameFault(.invalidUTF8) }
        return try endOfMessage(bytes)
    }

    /// Moves payload to the message's buffer. Answers whether the frame is complete.
    private mutating func payload(_ input: inout MutableInput) throws(FrameFault) -> Bool {
        let piece = take(min(frame.remaining, input.remaining), from: &input)
        frame.mask = Masking.unmask(piece, frame.mask)
        if message.isPlainText && !message.utf8.accept(UnsafeRawBufferPointer(piece)) {
            throw FrameFault(.invalidUTF8)
        }
        frame.remaining -= piece.count
        // RFC 6455 section 1.4: after our Close frame what the peer still sends is moot.
        if !isCloseSent { message.append(piece, expected: frame.remaining) }
        return frame.remaining == 0
    }

    private mutating func endOfFrame() throws(FrameFault) -> Event? {
        frame.isOpen = false
        guard frame.isFinal else { return nil }
        isLending = true
        return try endOfMessage(message.buffer.withBytes { $0 })
    }

    @inline(__always)
    private mutating func endOfMessage(
        _ bytes: UnsafeRawBufferPointer
    ) throws(FrameFault) -> Event? {
        frame.isOpen = false
        guard let opcode = message.opcode else { return nil }
        message.opcode = nil
        if isCloseSent { return .message(opcode, UnsafeRawBufferPointer(start: nil, count: 0)) }
        guard message.isCompressed, let deflate else {
            guard message.utf8.isComplete else { throw FrameFault(.invalidUTF8) }
            return .message(opcode, bytes)
        }
        if let inflatesUpTo {
            return .message(opcode, deflate.inflateStart(bytes, bytesMax: inflatesUpTo))
        }
        let inflated = try deflate.inflate(bytes, bytesMax: limits.messageBytesMax)
        if opcode == .text {
            var utf8 = UTF8Validator()
            guard utf8.accept(inflated) && utf8.isComplete else {
                throw FrameFault(.invalidUTF8)
            }
        }
        return .message(opcode, inflated)
    }
}
