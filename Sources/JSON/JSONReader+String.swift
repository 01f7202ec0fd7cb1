import Bytes

extension JSONReader {
    /// The next value, a string.
    public mutating func string() throws(JSONError) -> String {
        try expect(.string, "a string")
        let start = offset + 1
        let end = try plainEnd(from: start)
        if text[end] == UInt8(ascii: "\"") {
            offset = end + 1
            return String(
                decoding: UnsafeRawBufferPointer(rebasing: text[start..<end]), as: UTF8.self)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end - start + 64)
        try unescape(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The next value, a string, whose UTF-8 is appended: no more than that is made of it.
    public mutating func string(into bytes: inout [UInt8]) throws(JSONError) {
        try expect(.string, "a string")
        try unescape(into: &bytes)
    }

    /// Appends the UTF-8 of a string of which `offset` is the opening quote.
    private mutating func unescape(into bytes: inout [UInt8]) throws(JSONError) {
        var run = offset + 1
        while true {
            let end = try plainEnd(from: run)
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[run..<end]))
            offset = end + 1
            if text[end] == UInt8(ascii: "\"") { return }
            try escape(into: &bytes)
            run = offset
        }
    }

    /// Where the characters end that stand for themselves: at a quote or a backslash.
    private func plainEnd(from start: Int) throws(JSONError) -> Int {
        var at = start
        while at < text.count {
            if at + 8 <= text.count,
                !needsCare(text.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            {
                at += 8
                continue
            }
            let byte = text[at]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return at }
            if byte < 0x20 { throw error(.controlCharacter(byte), at: at) }
            let length = UTF8Check.sequence(at: at, in: text)
            guard length > 0 else { throw error(.invalidUTF8, at: at) }
            at += length
        }
        throw error(.unexpectedEnd, at: text.count)
    }

    /// One escape; `offset` is behind its backslash.
    private mutating func escape(into bytes: inout [UInt8]) throws(JSONError) {
        guard offset < text.count else { throw error(.unexpectedEnd) }
        let byte = text[offset]
        if byte == UInt8(ascii: "u") {
            bytes.append(contentsOf: UTF8.encode(try unicodeEscape()).unsafelyUnwrapped)
            return
        }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0c)
        case UInt8(ascii: "n"): bytes.append(0x0a)
        case UInt8(ascii: "r"): bytes.append(0x0d)
        case UInt8(ascii: "t"): bytes.append(0x09)
        default: throw error(.invalidEscape, at: offset - 1)
        }
        offset += 1
    }

    /// `uXXXX`, or two of them that form a surrogate pair; `offset` is at the `u`.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let start = offset - 1
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // RFC 8259 section 7: beyond the basic plane a character is escaped as two surrogates.
        guard first < 0xdc00, offset + 1 < text.count, text[offset] == UInt8(ascii: "\\"),
            text[offset + 1] == UInt8(ascii: "u")
        else { throw error(.loneSurrogate, at: start) }
        offset += 1
        let second = try fourHexDigits()
        guard second & 0xfc00 == 0xdc00,
            let scalar = Unicode.Scalar(0x10000 + (first & 0x3ff) << 10 + second & 0x3ff)
        else { throw error(.loneSurrogate, at: start) }
        return scalar
    }

    /// The digits behind the `u` at `offset`.
    private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            offset += 1
            guard offset < text.count else { throw error(.unexpectedEnd, at: text.count) }
            let byte = text[offset]
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46, 0x61...0x66: value = value << 4 | UInt32(byte & 0xdf - 0x37)
            default: throw error(.invalidEscape)
            }
        }
        offset += 1
        return value
    }
}
