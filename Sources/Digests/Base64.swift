import Bytes

/// Base64 with padding (RFC 4648 section 4).
public func base64Encode(_ bytes: [UInt8]) -> String {
    var writer = ByteWriter()
    bytes.withUnsafeBytes { base64Encode($0, into: &writer) }
    return writer.withBytes { String(decoding: $0, as: UTF8.self) }
}

/// Appends the base64 text of `bytes`, without a copy in between.
public func base64Encode(_ bytes: UnsafeRawBufferPointer, into writer: inout ByteWriter) {
    guard !bytes.isEmpty else { return }
    var output = writer.extend((bytes.count + 2) / 3 * 4).assumingMemoryBound(to: UInt8.self)
    alphabet.withUnsafeBufferPointer { alphabet in
        var at = 0
        while at + 3 <= bytes.count {
            let group = Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2])
            output[0] = alphabet[group >> 18]
            output[1] = alphabet[group >> 12 & 63]
            output[2] = alphabet[group >> 6 & 63]
            output[3] = alphabet[group & 63]
            output += 4
            at += 3
        }
        guard at < bytes.count else { return }
        let two = at + 2 == bytes.count
        let group = Int(bytes[at]) << 16 | (two ? Int(bytes[at + 1]) << 8 : 0)
        output[0] = alphabet[group >> 18]
        output[1] = alphabet[group >> 12 & 63]
        output[2] = two ? alphabet[group >> 6 & 63] : padding
        output[3] = padding
    }
}

/// The bytes behind base64 text; nil for anything that an encoder would not have written: a
/// foreign character, missing padding, or padding bits that are not zero (RFC 4648 section 3.5).
public func base64Decode(_ text: String) -> [UInt8]? {
    var text = text
    return text.withUTF8 { base64Decode(UnsafeRawBufferPointer($0)) }
}

public func base64Decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    guard let last = text.last else { return [] }
    let padded = last != padding ? 0 : text[text.count - 2] == padding ? 2 : 1
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    for at in stride(from: 0, to: text.count, by: 4) {
        let missing = at + 4 == text.count ? padded : 0
        var group: UInt32 = 0
        for place in 0..<4 {
            let value = place < 4 - missing ? values[Int(text[at + place])] : 0
            guard value < 64 else { return nil }
            group = group << 6 | UInt32(value)
        }
        guard group & (1 << UInt32(8 * missing) - 1) == 0 else { return nil }
        bytes.append(UInt8(truncatingIfNeeded: group >> 16))
        if missing < 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
        if missing < 1 { bytes.append(UInt8(truncatingIfNeeded: group)) }
    }
    return bytes
}

private let padding = UInt8(ascii: "=")
private let foreign: UInt8 = 0xff

private let alphabet = [UInt8](
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

/// The value of each character, `foreign` for those outside of the alphabet.
private let values: [UInt8] = {
    var values = [UInt8](repeating: foreign, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
}()
