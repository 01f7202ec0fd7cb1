import Bytes
import RecordFormat

/// Writes one record; nil is null.
public func record(
    offset: Int64, timestamp: Int64 = 0, key: [UInt8]?, value: [UInt8]?,
    headers: [(String, [UInt8]?)] = [], appendTime: Bool = false
) throws -> [UInt8] {
    let raw = written { out in
        for (name, value) in headers {
            out.varint(Int64(name.utf8.count))
            out.string(name)
            out.varint(Int64(value?.count ?? -1))
            out.bytes(value ?? [])
        }
    }
    var out = ByteWriter()
    try raw.withUnsafeBytes { raw in
        let headers = try RecordHeaders(raw, count: headers.count)
        (key ?? []).withUnsafeBytes { keyBytes in
            (value ?? []).withUnsafeBytes { valueBytes in
                let count = KafkaMessageWriter.write(
                    offset: offset, timestamp: timestamp,
                    key: keyBytes.baseAddress, keyCount: key?.count ?? -1,
                    value: valueBytes.baseAddress, valueCount: value?.count ?? -1,
                    headers: headers, appendTime: appendTime, into: &out)
                precondition(count == out.count)
            }
        }
    }
    return out.array
}
