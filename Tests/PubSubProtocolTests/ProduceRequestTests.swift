import Bytes
import JSON
import PubSubProtocol
import TestSupport
import Testing

/// A record as its bytes say it.
private struct Seen: Equatable {
    var topic = ""
    var partition: Int32?
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [UInt8] = []
    var headerCount = 0
    var timestamp: Int64?
}

private func decode(
    _ bytes: [UInt8], _ format: MessageFormat, _ limits: RequestLimits = RequestLimits()
) throws(MalformedMessage) -> (ProduceCommand, [Seen], id: [UInt8]) {
    let outcome = bytes.withUnsafeBytes { raw in
        Result { () throws(MalformedMessage) in
            let request = try PubSubRequest.decode(raw, as: format, limits: limits)
            guard case .produce(let produce) = request.command else {
                return (ProduceCommand(), [Seen](), [UInt8]())
            }
            return request.withRecordBytes(of: raw, in: format) { lent in
                (produce, produce.records.map { seen($0, lent) }, [UInt8](lent.value(produce.id)))
            }
        }
    }
    return try outcome.get()
}

private func seen(_ record: ProduceRecord, _ lent: ProduceCommand.Bytes) -> Seen {
    Seen(
        topic: String(decoding: lent.value(record.topic), as: UTF8.self),
        partition: record.partition, key: record.key.map { [UInt8](lent.value($0)) },
        value: record.value.map { [UInt8](lent.value($0)) },
        headers: [UInt8](lent.headers(record.headers)), headerCount: record.headerCount,
        timestamp: record.timestamp)
}

private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

/// `CmdProduce` in all formats.
@Suite struct ProduceRequestTests {
    /// topic "t", partition 1, key "k", value "v" 0, header "h" = "i", timestamp 5; acks 2; id "i"
    static let whole =
        "f2061d 0a16 0a0174 1001 1a016b 22027600 2a06 0a0168 120169 3005 1002 1a0169"

    fileprivate static let record = Seen(
        topic: "t", partition: 1, key: [0x6b], value: [0x76, 0], headers: [2, 0x68, 2, 0x69],
        headerCount: 1, timestamp: 5)

    @Test func everyFieldOfABinaryMessage() throws {
        let (command, records, id) = try decode(hex(Self.whole), .binary)
        #expect(records == [Self.record])
        #expect(command.acks == .leader && id == text("i"))
        // Where they lie: nothing was copied.
        #expect(command.records[0].key == 12..<13 && command.records[0].value == 15..<17)
    }

    @Test func everyFieldOfAText() throws {
        let json = #"""
            {"cmdProduce":{"records":[{"topic":"t","partition":1,"key":"aw==","value":"dgA=",
            "headers":[{"value":"aQ==","key":"\u0068"}],"timestamp":"5"}],"acks":"ACKS_LEADER",
            "id":"aQ=="}}
            """#
        let (command, records, id) = try decode(text(json), .json)
        #expect(records == [Self.record])
        #expect(command.acks == .leader && id == text("i"))
    }

    @Test func peopleWriteStringsOrBase64() throws {
        let json = #"""
            {"cmdProduce":{"records":[
            {"topic":"t","partition":1,"key":"k","valueBase64":"dgA","timestamp":5,
             "headers":[{"key":"h","value":"i"}]},
            {"topic":"t","keyBase64":"_w","value":"\u00e9\n"}],"acks":2,"id":"i"}}
            """#
        let (_, records, id) = try decode(text(json), .text)
        #expect(
            records == [Self.record, Seen(topic: "t", key: [0xff], value: [0xc3, 0xa9, 0x0a])])
        #expect(id == text("i"))
    }

    @Test func nullIsNotEmpty() throws {
        // Records with nothing, and with an empty key and value, and a header without a value.
        let (_, records, _) = try decode(
            hex("f2060e 0a00 0a04 1a002200 0a04 2a020a00"), .binary)
        let nothing = Seen()
        let empty = Seen(key: [], value: [])
        let header = Seen(headers: [0, 1], headerCount: 1)
        #expect(records == [nothing, empty, header])
        let json =
            #"{"cmdProduce":{"records":[{"key":null},{"key":"","value":""},"#
            + #"{"headers":[{"value":null}]}]}}"#
        #expect(try decode(text(json), .json).1 == [nothing, empty, header])
    }

    @Test func headersOfEveryRecordStandTogether() throws {
        let json = #"""
            {"cmdProduce":{"records":[{"headers":[{"key":"a","value":"MQ=="},{"key":"a"}]},
            {"headers":[{"key":"b","value":""}]}]}}
            """#
        let (_, records, _) = try decode(text(json), .json)
        #expect(
            records[0].headers == [2, 0x61, 2, 0x31, 2, 0x61, 1] && records[0].headerCount == 2)
        #expect(records[1].headers == [2, 0x62, 0] && records[1].headerCount == 1)
    }

    @Test func aCommandInPiecesIsMerged() throws {
        let pieces = "f20604 0a021001 f20602 1003 f20604 0a021002"
        let (command, records, _) = try decode(hex(pieces), .binary)
        #expect(records.map(\.partition) == [1, 2] && command.acks == .all)
        // One with another wire type takes nothing away, another command does.
        #expect(try decode(hex("f20602 1003 f00605"), .binary).0.acks == .all)
        #expect(try decode(hex("f20602 1003 820200 f20600"), .binary).0.acks == .default)
    }

    @Test func aLongHeaderHasALongLength() throws {
        let value = [UInt8](repeating: 7, count: 200)
        let encoded = base64(value)
        let json = #"{"cmdProduce":{"records":[{"headers":[{"value":"\#(encoded)"}]}]}}"#
        let (_, records, _) = try decode(text(json), .json)
        #expect(records[0].headers == [0, 0x90, 0x03] + value)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let message: [UInt8]
        let format: MessageFormat
        let error: String
        init(_ binary: String, _ error: String) {
            message = hex(binary)
            format = .binary
            self.error = error
        }
        init(json: String, _ error: String) {
            message = Array(json.utf8)
            format = .json
            self.error = error
        }
        var testDescription: String { error }
    }

    @Test(
        "errors name field and place",
        arguments: [
            Row(
                "f20605 0a03 0a01ff",
                "cmd_produce.records[0].topic at byte 7: not UTF-8"),
            Row(
                "f20606 0a00 0a02 2a05",
                "cmd_produce.records[1].headers[0] at byte 8: "
                    + "the message ends inside of the value"),
            Row(
                "f20609 0a07 2a00 2a03 0a01ff",
                "cmd_produce.records[0].headers[1].key at byte 11: not UTF-8"),
            Row(
                "f2060d 0a0b 10ffffffffffffffffff01",
                "cmd_produce.records[0].partition at byte 6: must not be negative"),
            Row(
                "f20602 1001",
                "cmd_produce.acks at byte 4: 1 is none of its values "
                    + "(ACKS_DEFAULT 0, ACKS_LEADER 2, ACKS_ALL 3)"),
            Row(
                json: #"{"cmdProduce":{"records":[{},{"timestamp":-1}]}}"#,
                "cmdProduce.records[1].timestamp at line 1 column 43: must not be negative"),
            Row(
                json: #"{"cmdProduce":{"records":[{"value":"%"}]}}"#,
                "cmdProduce.records[0].value at line 1 column 36: not base64"),
            Row(
                json: #"{"cmdProduce":{"records":[{"headers":[null]}]}}"#,
                "cmdProduce.records[0].headers[0] at line 1 column 39: "
                    + "expected a value, found null"),
            Row(
                json: #"{"cmdProduce":{"records":[{"offset":1}]}}"#,
                "cmdProduce.records[0].offset at line 1 column 28: no such field "
                    + "(known: topic, partition, key, value, headers, timestamp)"),
        ])
    func errorsNameFieldAndPlace(row: Row) {
        #expect(throws: MalformedMessage.self) { try decode(row.message, row.format) }
        do { _ = try decode(row.message, row.format) } catch {
            #expect(error.description == row.error && error.code == .malformed)
        }
    }

    @Test func whatIsTooMuchIsALimit() {
        var limits = RequestLimits()
        limits.recordsMax = 2
        limits.headersMax = 1
        limits.idBytesMax = 3
        for (message, wanted) in [
            ("f20606 0a00 0a00 0a00", "cmd_produce.records at byte 8: more than 2 entries"),
            (
                "f20606 0a04 2a00 2a00",
                "cmd_produce.records[0].headers at byte 8: more than 1 entries"
            ),
            ("f20606 1a04 01020304", "cmd_produce.id at byte 4: more than 3 bytes"),
        ] {
            do {
                _ = try decode(hex(message), .binary, limits)
                Issue.record("was read: \(message)")
            } catch {
                #expect(error.description == wanted && error.code == .limit)
            }
        }
    }

    private func base64(_ bytes: [UInt8]) -> String {
        writtenText { out in bytes.withUnsafeBytes { out.base64($0) } }
    }
}
