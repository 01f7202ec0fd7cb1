import Bytes
import JSON
import PubSubProtocol

func hexDecoded(_ text: String) -> [UInt8] {
    let digits = text.utf8.map { UInt8(Character(Unicode.Scalar($0)).hexDigitValue!) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func hexEncoded(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
        decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

func transcoded(_ records: [UInt8], _ format: MessageFormat) -> String {
    records.withUnsafeBytes { raw in
        var out = ByteWriter()
        out.jsonBeginArray()
        do throws(BytesError) {
            try RecordTranscoder.writeAll(raw, as: format, into: &out)
        } catch {
            return "error"
        }
        out.jsonEndArray()
        return String(decoding: out.array, as: UTF8.self)
    }
}

func rewritten(_ text: [UInt8]) -> String {
    text.withUnsafeBytes { raw in
        do throws(JSONError) {
            let value = try JSONValue.parse(raw)
            var out = ByteWriter()
            out.jsonValue(value)
            return hexEncoded(out.array)
        } catch {
            return "error \(error)"
        }
    }
}

func integer(_ text: String) -> String {
    guard let number = JSONNumber(text) else { return "not a number" }
    return number.int64.map(String.init) ?? "none"
}
