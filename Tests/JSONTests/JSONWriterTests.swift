import Bytes
import JSON
import Testing

private func text(_ body: (inout ByteWriter) -> Void) -> String {
    var out = ByteWriter()
    body(&out)
    return String(decoding: out.array, as: UTF8.self)
}

@Suite struct JSONWriterTests {
    @Test func commasAndNesting() {
        let written = text { out in
            out.jsonBeginObject()
            out.jsonKey("a")
            out.jsonBeginArray()
            for number: Int64 in [0, -1, .min, .max] {
                out.jsonElement()
                out.jsonInteger(number)
            }
            out.jsonEndArray()
            out.jsonKey("{" as String)
            out.jsonString("[")
            out.jsonKey("n")
            out.jsonNull()
            out.jsonKey("b")
            out.jsonBool(true)
            out.jsonKey("q")
            out.jsonQuotedInteger(-5)
            out.jsonEndObject()
        }
        #expect(
            written == #"{"a":[0,-1,-9223372036854775808,9223372036854775807],"{":"[","#
                + #""n":null,"b":true,"q":"-5"}"#)
    }

    @Test func stringsAreEscaped() {
        let all = String(String.UnicodeScalarView((0..<0x30).map { Unicode.Scalar($0)! }))
        let written = text { $0.jsonString(all + "\\ é😀") }
        #expect(written.hasPrefix(#""\u0000\u0001"#))
        #expect(written.contains(#"\b\t\n\u000b\f\r"#))
        #expect(written.hasSuffix(##" !\"#$%&'()*+,-./\\ é😀""##))
        #expect((try? JSONValue.parse(written))?.string == all + "\\ é😀")
    }

    @Test func bytesThatAreNotUTF8AreNotWritten() {
        // A fault at every place of the eight-byte steps.
        for place in 0..<20 {
            var bytes = [UInt8](repeating: 0x61, count: 20)
            bytes[place] = 0xff
            var out = ByteWriter()
            out.uint8(0x78)
            #expect(!bytes.withUnsafeBytes { out.jsonString(utf8: $0) })
            #expect(out.array == [0x78])
            bytes[place] = 0x22
            #expect(bytes.withUnsafeBytes { out.jsonString(utf8: $0) })
            #expect(out.count == 1 + 23)
        }
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func base64OfRFC4648(row: (String, String)) {
        let written = text { out in Array(row.0.utf8).withUnsafeBytes { out.base64($0) } }
        #expect(written == row.1)
        #expect(base64Decoded(row.1) == Array(row.0.utf8))
        #expect(base64Decoded(row.1.filter { $0 != "=" }) == Array(row.0.utf8))
    }

    @Test func base64AcceptsBothAlphabetsAndNothingElse() {
        #expect(base64Decoded("+/+/") == base64Decoded("-_-_"))
        #expect(base64Decoded("+/+/") == [0xfb, 0xff, 0xbf])
        for wrong in [
            "A", "AAAAA", "AA=", "AA===", "A===", "=", "AA A", "AA\n", "AB==", "AAB=", "é",
        ] {
            #expect(base64Decoded(wrong) == nil, "\(wrong)")
        }
    }

    @Test func aTreeIsWrittenAsItWasRead() throws {
        let source = #"{"a":[1.50,"x",{}],"b":null,"c":true,"d":[]}"#
        let value = try JSONValue.parse(source)
        #expect(text { $0.jsonValue(value) } == source)
    }
}
