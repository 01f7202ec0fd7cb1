import Bytes
import JSON

/// What is read is written as a text that reads the same; errors lie within the text.
let jsonTargets = [
    FuzzTarget("json", seeds: jsonTexts) { text in
        do throws(JSONError) {
            let value = try JSONValue.parse(text)
            let written = rewritten(value)
            guard let again = try? JSONValue.parse(String(decoding: written, as: UTF8.self)) else {
                fatalError("what was written is not read")
            }
            require(rewritten(again) == written, "what was written is read as something else")
        } catch {
            require(error.position.offset <= text.count, "an error beyond the end")
        }
    },
    FuzzTarget("json-number", seeds: ["-1.50e+2", "1e-30"].map { Array($0.utf8) }) { text in
        guard let number = JSONNumber(String(decoding: text, as: UTF8.self)) else { return }
        guard let value = number.int64 else { return }
        require(JSONNumber(String(value))?.int64 == value, "an integer that is not its own value")
    },
    FuzzTarget("json-base64", seeds: ["Zm9v", "-_8", "AA=="].map { Array($0.utf8) }) { text in
        guard let bytes = base64Decoded(String(decoding: text, as: UTF8.self)) else { return }
        var out = ByteWriter()
        bytes.withUnsafeBytes { out.base64($0) }
        let back = base64Decoded(String(decoding: out.array, as: UTF8.self))
        require(back == bytes, "base64 is not its own inverse")
    },
    FuzzTarget("json-string") { bytes in
        var out = ByteWriter()
        let isText = out.jsonString(utf8: bytes)
        require(isText == (UTF8Check.firstFault(in: bytes) == nil), "two opinions on UTF-8")
        guard isText else { return }
        let back = try? JSONValue.parse(String(decoding: out.array, as: UTF8.self)).string
        require(back.map { Array($0.utf8) } == Array(bytes), "a string came back changed")
    },
]

private let jsonTexts = [
    #"{"a":[1,-2.5e3,true,false,null,"\u00e9\ud83d\ude00é"],"b":{"c":""}}"#,
    #"[[[{"x":[]}]]]"#, "9223372036854775807", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
].map { Array($0.utf8) }

private func rewritten(_ value: JSONValue) -> [UInt8] {
    var out = ByteWriter()
    out.jsonValue(value)
    return out.array
}
