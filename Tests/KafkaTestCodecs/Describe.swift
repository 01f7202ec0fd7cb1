import KafkaProtocol

/// A message as JSON with the field names of its struct. Bytes and ids are hexadecimal text.
/// Reflection, so that nothing between the struct and this text was generated too.
public func describe(_ value: Any, records: UnsafeRawBufferPointer) -> String {
    // Every empty array can be cast to every array type.
    if type(of: value) == [UInt8].self, let value = value as? [UInt8] { return "\"\(hex(value))\"" }
    switch value {
    case let value as KafkaBytes:
        let bytes = value.bytes(of: records) ?? UnsafeRawBufferPointer(rebasing: records[..<0])
        return "\"\(hex(bytes))\""
    case let value as KafkaUUID: return "\"\(hex(bigEndian(value.high) + bigEndian(value.low)))\""
    case let value as String: return quoted(value)
    case let value as Bool: return value ? "true" : "false"
    case let value as any BinaryInteger: return "\(value)"
    default: break
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional:
        return mirror.children.first.map { describe($0.value, records: records) } ?? "null"
    case .collection:
        return "["
            + mirror.children.map { describe($0.value, records: records) }
            .joined(separator: ",") + "]"
    default:
        return "{"
            + mirror.children.map {
                "\"\($0.label ?? "")\":\(describe($0.value, records: records))"
            }.joined(separator: ",") + "}"
    }
}

private func bigEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
}

/// JSON text of ASCII only.
private func quoted(_ text: String) -> String {
    var out = "\""
    for unit in text.utf16 {
        if unit >= 0x20 && unit < 0x7f && unit != 0x22 && unit != 0x5c {
            out.append(Character(UnicodeScalar(UInt8(unit))))
        } else {
            out += "\\u" + hex([UInt8(unit >> 8), UInt8(unit & 0xff)])
        }
    }
    return out + "\""
}
