import Bytes

/// Bytes written as hexadecimal digits; spaces are for the reader.
public func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { $0 != " " }.map { UInt8($0.hexDigitValue!) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// What `body` writes.
public func written(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
    var out = ByteWriter()
    body(&out)
    return out.array
}

public func writtenText(_ body: (inout ByteWriter) -> Void) -> String {
    String(decoding: written(body), as: UTF8.self)
}
