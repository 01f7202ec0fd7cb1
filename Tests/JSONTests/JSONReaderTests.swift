import JSON
import Testing

/// The grammar and its places. Python's `json` judges random documents in Tests/check-pubsub.
@Suite struct JSONReaderTests {
    @Test func aTreeKnowsItsPlaces() throws {
        let value = try JSONValue.parse("{\n  \"é\": [1,\n   {\"b\": null}]}")
        #expect(value.position == JSONPosition(offset: 0, line: 1, column: 1))
        let member = try #require(value.object?.members.first)
        #expect(member.key == "é")
        #expect(member.keyPosition == JSONPosition(offset: 4, line: 2, column: 3))
        let inner = try #require(member.value.array?[1])
        #expect(inner.position.line == 3 && inner.position.column == 4)
        let null = try #require(inner["b"])
        #expect(null.isNull && null.position.column == 10)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let error: String
        init(_ text: String, _ error: String) {
            self.text = text
            self.error = error
        }
        var testDescription: String { text.debugDescription }
    }

    @Test(arguments: [
        Row("", "line 1 column 1: the text ends inside of a value"),
        Row("{", "line 1 column 2: the text ends inside of a value"),
        Row("[1,]", "line 1 column 4: expected a value, found ']'"),
        Row("{\"a\":1,}", "line 1 column 8: expected a key in double quotes, found '}'"),
        Row("{\"a\" 1}", "line 1 column 6: expected ':', found '1'"),
        Row("{\"a\":1 \"b\":2}", "line 1 column 8: expected ',' or '}', found '\"'"),
        Row("[1 2]", "line 1 column 4: expected ',' or ']', found '2'"),
        Row("1 2", "line 1 column 3: expected the end of the text, found '2'"),
        Row("{\"a\":1,\n \"a\":2}", "line 2 column 2: the key \"a\" occurs twice"),
        Row("{'a':1}", "line 1 column 2: expected a key in double quotes, found '''"),
        Row("nul", "line 1 column 4: the text ends inside of a value"),
        Row("nulL", "line 1 column 1: expected null, found 'L'"),
        Row("\u{feff}1", "line 1 column 1: expected a value, found byte 0xef"),
        Row("01", "line 1 column 2: expected the end of the text, found '1'"),
        Row("-", "line 1 column 1: not a number"),
        Row("1.", "line 1 column 1: not a number"),
        Row("1e+", "line 1 column 1: not a number"),
        Row("+1", "line 1 column 1: expected a value, found '+'"),
        Row("NaN", "line 1 column 1: expected a value, found 'N'"),
        Row("\"a\u{1}\"", "line 1 column 3: byte 0x01 must be escaped"),
        Row("\"a\nb\"", "line 1 column 3: byte 0x0a must be escaped"),
        Row("\"\\x\"", "line 1 column 2: no such escape"),
        Row("\"\\u12g4\"", "line 1 column 6: no such escape"),
        Row("\"\\ud800\"", "line 1 column 2: half of a surrogate pair"),
        Row("\"\\ud800\\u0041\"", "line 1 column 2: half of a surrogate pair"),
        Row("\"\\udc00\\ud800\"", "line 1 column 2: half of a surrogate pair"),
        Row("\"abc", "line 1 column 5: the text ends inside of a value"),
    ])
    func errorsNameThePlace(row: Row) {
        #expect(throws: JSONError.self) { try JSONValue.parse(row.text) }
        do { _ = try JSONValue.parse(row.text) } catch { #expect(error.description == row.error) }
    }

    @Test(
        arguments: [
            [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
            [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xe2, 0x82, 0x22], [0x22, 0x80, 0x22],
            [0x22, 0xf0, 0x80, 0x80, 0x80, 0x22], [0x22, 0xe0, 0x80, 0x80, 0x22],
        ] as [[UInt8]])
    func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw in
            do throws(JSONError) {
                _ = try JSONValue.parse(raw)
                Issue.record("was read")
            } catch {
                #expect(error.reason == .invalidUTF8)
                #expect(error.position.offset == 1)
            }
        }
    }

    @Test func everyEscapeIsUnderstood() throws {
        let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\u0000 plain \u00E9""#
        let wanted = "\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{20ac}\u{1f600}\0 plain é"
        #expect(try JSONValue.parse(text).string == wanted)
    }

    @Test func depthIsLimited() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue.parse(nested(64))
        #expect(throws: JSONError.self) { try JSONValue.parse(nested(65)) }
        _ = try JSONValue.parse(nested(3), depthMax: 3)
        #expect(throws: JSONError.self) { try JSONValue.parse(nested(4), depthMax: 3) }
        #expect(throws: JSONError.self) { try JSONValue.parse(nested(100_000)) }
        #expect(try JSONValue.parse("[[],[[1],[]],{\"a\":[]}]").array?.count == 3)
    }

    /// What is skipped is checked like what is read.
    @Test(arguments: [
        "1", "[]", "{}", "[1, [2, {}], [], \"x\"]",
        "{\"a\": {\"b\": [{}, [], {\"c\": null}], \"d\": 1}}", "[{]", "[}", "{\"a\": [1 2]}",
        "{\"a\": {1}}", "[[", "{\"a\": {\"b\":", "[[1], [2]", "[[],]", "{\"a\": {}, }", "[] ]",
        "{\"a\": [}]", "", "[\"\\x\"]", "[01]",
        String(repeating: "[", count: 64) + String(repeating: "]", count: 64),
        String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
        String(repeating: "{\"a\": ", count: 100_000),
    ])
    func skippingChecks(_ text: String) {
        func fault(_ body: () throws(JSONError) -> Void) -> JSONError? {
            do { try body() } catch { return error }
            return nil
        }
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { bytes in
            let skipped = fault { () throws(JSONError) in
                var reader = JSONReader(bytes)
                try reader.skipValue()
                try reader.end()
            }
            let parsed = fault { () throws(JSONError) in _ = try JSONValue.parse(bytes) }
            #expect("\(skipped as Any)" == "\(parsed as Any)")
        }
    }

    @Test func canonicallyEquivalentKeysAreTwo() throws {
        let value = try JSONValue.parse("{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(value.object?.members.count == 2)
        #expect(value["e\u{301}"]?.int64 == 2)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("12", 12), ("9223372036854775807", Int64.max),
            ("-9223372036854775808", Int64.min), ("9223372036854775808", nil),
            ("-9223372036854775809", nil), ("1.0", 1), ("1.5", nil), ("1.50e1", 15), ("15e-1", nil),
            ("1e3", 1000), ("1000e-3", 1), ("1e18", 1_000_000_000_000_000_000), ("1e19", nil),
            ("0e99999999999999999999", 0), ("1e99999999999999999999", nil),
            ("1e-99999999999999", nil),
            ("922337203685477580.7e1", Int64.max), ("0.0000000000000000000000001e25", 1),
            ("10000000000000000000000000000e-28", 1), ("18446744073709551616", nil),
        ] as [(String, Int64?)])
    func integersAreExact(row: (String, Int64?)) throws {
        #expect(try JSONValue.parse(row.0).int64 == row.1)
    }

    @Test func numbersOfAStringAreChecked() {
        for text in ["", " 1", "1 ", "+1", "0x1", "1e", "٣", "--1"] {
            #expect(JSONNumber(text) == nil)
        }
        #expect(JSONNumber("-1.5E+3")?.int64 == -1500)
    }

    @Test func everyPrefixIsAnError() {
        let text = Array(#"{"a":[1,-2.5e3,true,false,null,"\u00e9é"],"b":{"c":""}}"#.utf8)
        for count in 0..<text.count {
            text[..<count].withUnsafeBytes { raw in
                _ = #expect(throws: JSONError.self) { try JSONValue.parse(raw) }
            }
        }
    }

    @Test func theWrongKindIsNamed() {
        let text = Array("[true]".utf8)
        text.withUnsafeBytes { raw in
            var reader = JSONReader(raw)
            do {
                try reader.beginArray()
                #expect(try reader.nextElement())
                _ = try reader.string()
                Issue.record("was read")
            } catch let error as JSONError {
                #expect(error.description == "line 1 column 2: expected a string, found bool")
            } catch {
                Issue.record("\(error)")
            }
        }
    }
}
