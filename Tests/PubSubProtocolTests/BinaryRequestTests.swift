import PubSubProtocol
import TestSupport
import Testing

func decode(
    _ bytes: [UInt8], limits: RequestLimits = RequestLimits()
) throws(MalformedMessage) -> PubSubRequest {
    let outcome = bytes.withUnsafeBytes { raw in
        Result { () throws(MalformedMessage) in
            try PubSubRequest.decode(raw, as: .binary, limits: limits)
        }
    }
    return try outcome.get()
}

/// Requests in protobuf. What Google's own parser makes of them is compared by Tests/check-pubsub;
/// here stand the vectors, and what we say of bytes that are wrong.
@Suite struct BinaryRequestTests {
    @Test func theFourOriginalCommands() throws {
        // sequence 3, cmd_ping { state "test" }
        let ping = hex("0803 820206 0a0474657374")
        let request = try decode(ping)
        #expect(request.sequence == 3)
        #expect(request.command == .ping(state: 7..<11))
        ping.withUnsafeBytes { raw in
            let state = request.withBytes(7..<11, of: raw, in: .binary) { [UInt8]($0) }
            #expect(state == Array("test".utf8))
        }

        #expect(try decode(hex("fa0100")).command == .empty)

        // cmd_kafka_fetch { topic "test-consumer", offset 14 }
        var fetch = FetchCommand()
        fetch.topic = "test-consumer"
        fetch.offset = 14
        let bytes = hex("8a0211 0a0d746573742d636f6e73756d6572 180e")
        #expect(try decode(bytes).command == .fetch(fetch))
        #expect(try decode(bytes).usesExtensions == false)

        // cmd_kafka_list_offset { topic "t", partition -1, timestamp -2 }
        var list = ListOffsetCommand()
        list.topic = "t"
        list.partition = -1
        list.timestamp = -2
        let negative = "10ffffffffffffffffff01 18feffffffffffffffff01"
        #expect(try decode(hex("920219 0a0174 " + negative)).command == .listOffset(list))
    }

    @Test func nothingIsNoCommand() throws {
        #expect(try decode([]).command == .none)
        #expect(try decode(hex("0805")).command == .none)
        #expect(try decode(hex("0805")).sequence == 5)
    }

    @Test(arguments: [.min, -1, 0, 1, (1 << 53) + 1, .max] as [Int64])
    func theSequenceIsExact(sequence: Int64) throws {
        let bytes = written { out in
            out.uint8(8)
            out.uvarint(UInt64(bitPattern: sequence))
        }
        #expect(try decode(bytes).sequence == sequence)
    }

    @Test func theLastCommandOnTheWireCounts() throws {
        let fetch = "8a0203 0a0161"
        let ping = "820203 0a0178"
        #expect(try decode(hex(fetch + ping)).command == .ping(state: 11..<12))
        var wanted = FetchCommand()
        wanted.topic = "a"
        #expect(try decode(hex(ping + fetch)).command == .fetch(wanted))
    }

    @Test func aCommandInPiecesIsMerged() throws {
        var wanted = FetchCommand()
        wanted.topic = "a"
        wanted.partition = 2
        #expect(try decode(hex("8a0203 0a0161 8a0202 1002")).command == .fetch(wanted))
        // Another command between them clears the first piece.
        wanted.topic = ""
        let cleared = hex("8a0203 0a0161 820200 8a0202 1002")
        #expect(try decode(cleared).command == .fetch(wanted))
    }

    @Test func fieldsOfOurOwnAreToldFromTheOriginals() throws {
        var fetch = FetchCommand()
        fetch.topic = "t"
        fetch.maxBytes = 1000
        fetch.maxWaitMilliseconds = 250
        fetch.minBytes = 1
        fetch.isolation = .readCommitted
        fetch.usesExtensions = true
        let bytes = hex("8a0211 0a0174 a806e807 b006fa01 b80601 c00602")
        let request = try decode(bytes)
        #expect(request.command == .fetch(fetch))
        #expect(request.usesExtensions)
    }

    @Test func aKnownFieldWithAnotherWireTypeIsUnknown() throws {
        // sequence as LEN, cmd_ping as varint, topic as varint
        #expect(try decode(hex("0a0161")).sequence == 0)
        #expect(try decode(hex("800205")).command == .none)
        #expect(try decode(hex("8a0202 0805")).command == .fetch(FetchCommand()))
    }

    @Test func unknownFieldsAreSkipped() throws {
        // 2: varint, 3: fixed64, 4: LEN, 5: fixed32, then a ping
        let bytes = hex("1005 190102030405060708 220161 2d01020304 820200")
        #expect(try decode(bytes).command == .ping(state: 0..<0))
    }

    @Test func aHostsCommandIsReportedWithItsPayload() throws {
        // 1000 LEN "abc"
        #expect(
            try decode(hex("0801 c23e03616263")).command == .unknown(field: 1000, payload: 5..<8))
        #expect(Command.isHost(field: 1000) && Command.isHost(field: 35))
        #expect(!Command.isHost(field: 34) && !Command.isHost(field: 110))
        // A known command goes before, on whichever side it stands.
        #expect(try decode(hex("c23e00 fa0100")).command == .empty)
        #expect(try decode(hex("fa0100 c23e00")).command == .empty)
        // A number above 34 that is no message is no command.
        #expect(try decode(hex("c03e05")).command == .none)
    }

    @Test func aSubscriptionIsReadWithAllItsFields() throws {
        var early = Subscription()
        early.topic = "a"
        early.partitions = [0, 1, -1]
        early.start = .earliest
        var at = Subscription()
        at.topic = "b"
        at.partitions = [7]
        at.start = .offset(0)
        var wanted = SubscribeCommand()
        wanted.subscriptions = [early, at]
        wanted.creditMessages = 0
        wanted.isolation = .readUncommitted
        // The first list is packed, the second is not; both MUST be read.
        let first = "0a13 0a0161 120c 0001ffffffffffffffffff01 1801"
        let second = "0a07 0a0162 1007 2000"
        let bytes = hex("aa0622" + first + second + "1000 2001")
        #expect(try decode(bytes).command == .subscribe(wanted))
        #expect(try decode(bytes).usesExtensions)
    }

    @Test func grantPauseUnsubscribeMetadata() throws {
        var grant = GrantCommand()
        grant.subscription = 5
        grant.messages = 100
        #expect(try decode(hex("ba0604 0805 1064")).command == .grant(grant))
        var pause = PauseCommand()
        pause.subscription = 5
        pause.resume = true
        #expect(try decode(hex("c20604 0805 1001")).command == .pause(pause))
        var unsubscribe = UnsubscribeCommand()
        unsubscribe.subscription = 5
        #expect(try decode(hex("b20602 0805")).command == .unsubscribe(unsubscribe))
        var metadata = MetadataCommand()
        metadata.topics = ["a", "b"]
        #expect(try decode(hex("ca0606 0a0161 0a0162")).command == .metadata(metadata))
    }
}

/// Malformed requests: each error names the field and the byte.
@Suite struct MalformedRequestTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let bytes: String
        let error: String
        init(_ bytes: String, _ error: String) {
            self.bytes = bytes
            self.error = error
        }
        var testDescription: String { error }
    }

    @Test(arguments: [
        Row("08", "sequence at byte 1: the message ends inside of the value"),
        Row("8a02", "cmd_kafka_fetch at byte 2: the message ends inside of the value"),
        Row("8a0205 0a0174", "cmd_kafka_fetch at byte 2: the message ends inside of the value"),
        Row(
            "8a0203 0a0574", "cmd_kafka_fetch.topic at byte 4: the message ends inside of the value"
        ),
        Row("8a0204 0a02c328", "cmd_kafka_fetch.topic at byte 5: not UTF-8"),
        Row("0801 8a0206 0a04 6162 eda0", "cmd_kafka_fetch.topic at byte 9: not UTF-8"),
        Row(
            "8a0202 1080",
            "cmd_kafka_fetch.partition at byte 4: the message ends inside of the value"),
        Row("80", "request at byte 0: the message ends inside of the value"),
        Row("0000", "request at byte 0: not a field's tag"),
        Row("888080808001 00", "request at byte 0: not a field's tag"),
        Row("8880808080 00 00", "request at byte 0: not a field's tag"),
        Row("08ffffffffffffffffffff01", "sequence at byte 1: a varint of more than 10 bytes"),
        Row("13 14", "field 2 at byte 1: groups are not supported"),
        Row("8c02", "cmd_kafka_fetch at byte 2: groups are not supported"),
        Row("16", "field 2 at byte 1: wire type 6 does not exist"),
        Row("2501", "field 4 at byte 1: the message ends inside of the value"),
        Row(
            "8a0203 c00607",
            "cmd_kafka_fetch.isolation at byte 5: 7 is none of its values "
                + "(ISOLATION_LEVEL_DEFAULT 0, READ_UNCOMMITTED 1, READ_COMMITTED 2)"),
        Row(
            "8a020c a806ffffffffffffffffff01",
            "cmd_kafka_fetch.max_bytes at byte 5: must not be negative"),
        Row(
            "aa0606 0a04 0a0161 0a",
            "cmd_subscribe.subscriptions[0].topic at byte 9: the message ends inside of the value"),
        Row(
            "aa0605 0a00 0a0112",
            "cmd_subscribe.subscriptions[1].partitions at byte 8: "
                + "the message ends inside of the value"
        ),
        Row("ca0606 0a0161 0a01ff", "cmd_metadata.topics[1] at byte 8: not UTF-8"),
        // The original's test sends this; there it is field 4 and a cut tag.
        Row(
            "2140232425 5e262ae4b8ade69687",
            "request at byte 9: the message ends inside of the value"),
    ])
    func namesFieldAndByte(row: Row) {
        #expect(throws: MalformedMessage.self) { try decode(hex(row.bytes)) }
        do {
            _ = try decode(hex(row.bytes))
        } catch {
            #expect(error.description == row.error)
            #expect(error.code == .malformed)
        }
    }

    @Test func theErrorCarriesTheSequenceReadSoFar() {
        do {
            _ = try decode(hex("0829 8a0205"))
            Issue.record("was read")
        } catch {
            #expect(error.sequence == 41)
        }
    }

    @Test func listsAreLimited() throws {
        var limits = RequestLimits()
        limits.topicsMax = 1
        limits.partitionsMax = 2
        _ = try decode(hex("ca0603 0a0161"), limits: limits)
        do {
            _ = try decode(hex("ca0606 0a0161 0a0162"), limits: limits)
            Issue.record("was read")
        } catch {
            #expect(error.description == "cmd_metadata.topics at byte 7: more than 1 entries")
            #expect(error.code == .limit)
        }
        _ = try decode(hex("aa0606 0a04 12020102"), limits: limits)
        #expect(throws: MalformedMessage.self) {
            try decode(hex("aa0607 0a05 1203010203"), limits: limits)
        }
    }
}
