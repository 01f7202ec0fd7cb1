import Bytes
import PubSubProtocol
import TestSupport
import Testing

private func binary(_ sequence: Int64, _ reply: Reply) -> [UInt8] {
    written { reply.write(sequence: sequence, as: .binary, into: &$0) }
}

private func text(_ sequence: Int64, _ reply: Reply, _ format: MessageFormat) -> String {
    writtenText { reply.write(sequence: sequence, as: format, into: &$0) }
}

/// Replies byte by byte. The first five are the original server's own bytes.
@Suite struct ReplyTests {
    @Test func theOriginalsVectors() {
        let wrong = ErrorReply(ReplyCode(rawValue: 0), "wrong command")
        #expect(binary(0, .error(wrong)) == hex("fa010f120d77726f6e6720636f6d6d616e64"))
        let unknown = ErrorReply(ReplyCode(rawValue: 0), ReplyText.unknownCommand)
        #expect(
            binary(1, .error(unknown)) == hex("0801fa0111120f756e6b6e6f776e20636f6d6d616e64"))
        #expect(binary(3, .listOffset(offset: 30, timestamp: nil)) == hex("0803 920202 081e"))
        #expect(
            binary(4, .listOffset(offset: -1, timestamp: nil))
                == hex("0804 92020b 08ffffffffffffffffff01"))
        #expect(binary(2, .listOffset(offset: 0, timestamp: nil)) == hex("0802 920200"))
    }

    @Test func aPongHasTheStateOfItsPingInEveryFormat() {
        #expect(binary(0, .pong(state: .init(start: nil, count: 0))) == hex("820200"))
        let state = Array("test".utf8)
        state.withUnsafeBytes {
            #expect(binary(7, .pong(state: $0)) == hex("0807 820206 0a04 74657374"))
            #expect(
                text(7, .pong(state: $0), .json)
                    == #"{"sequence":"7","pongResp":{"state":"dGVzdA=="}}"#)
            #expect(
                text(7, .pong(state: $0), .text)
                    == #"{"sequence":7,"pongResp":{"state":"test"}}"#)
        }
        let odd: [UInt8] = [0xff, 0]
        odd.withUnsafeBytes {
            #expect(
                text(0, .pong(state: $0), .text)
                    == #"{"sequence":0,"pongResp":{"stateBase64":"/wA="}}"#)
        }
    }

    @Test func anErrorWithEverything() {
        let error = ErrorReply(
            .kafka(1), "OFFSET_OUT_OF_RANGE", retriable: true, logStartOffset: 0,
            highWatermark: 1 << 53 + 1, cause: .noLeader, nextOffset: 7)
        #expect(
            text(-1, .error(error), .json)
                == #"{"sequence":"-1","errorResp":{"code":1001,"message":"OFFSET_OUT_OF_RANGE","#
                + #""retriable":true,"logStartOffset":"0","highWatermark":"9007199254740993","#
                + #""cause":"no leader","nextOffset":"7"}}"#)
        #expect(
            text(-1, .error(error), .text)
                == #"{"sequence":-1,"errorResp":{"code":1001,"message":"OFFSET_OUT_OF_RANGE","#
                + #""retriable":true,"logStartOffset":0,"highWatermark":"9007199254740993","#
                + #""cause":"no leader","nextOffset":7}}"#)
    }

    @Test func skippedRecords() {
        let skipped = Reply.skipped(
            SkippedRecords(
                topic: "t", partition: 1, offset: 0, nextOffset: 9,
                error: ErrorReply(.kafka(2), "x", nextOffset: 9)))
        #expect(
            text(3, skipped, .json)
                == #"{"sequence":"3","subscribeResp":{"topic":"t","partition":1,"nextOffset":"9","#
                + #""skipped":{"error":{"code":1002,"message":"x","nextOffset":"9"}}}}"#)
    }

    @Test func theTextsOfTheOriginal() {
        #expect(
            ReplyText.listOffsetFailed(topic: "not-exist", partition: 0, error: "not found topic")
                == "failed to list offset, topic: not-exist, partition: 0, err: not found topic")
        #expect(
            ReplyText.fetchFailed(topic: "t", partition: 0, error: "OFFSET_OUT_OF_RANGE")
                == "failed to fetch message, topic: t, partition: 0, err: OFFSET_OUT_OF_RANGE")
    }

    @Test func anEmptyFetchIsTheOriginals() {
        let head = BatchHead(sequence: 0, kind: .fetch)
        #expect(written { head.write(recordBytes: 0, into: &$0) } == hex("8a0200"))
        #expect(head.size(recordBytes: 0) == 3)
    }

    @Test(arguments: [0, 1, 126, 127, 128, 16_383, 16_384, 65_536, 10_000_000])
    func aHeadKnowsItsSize(recordBytes: Int) {
        let offsets: [Int64] = [-1, 0, 127, 128, .max]
        let kinds: [BatchHead.Kind] = [
            .fetch, .push(topic: "", partition: 0), .push(topic: "logs", partition: 300),
            .push(topic: "logs", partition: -1),
        ]
        for sequence in [Int64.min, 0, 1, 128] {
            for kind in kinds {
                for offset in offsets {
                    let head = BatchHead(
                        sequence: sequence, kind: kind, nextOffset: offset,
                        highWatermark: offsets[2], logStartOffset: 0, lastStableOffset: offset)
                    let bytes = written { head.write(recordBytes: recordBytes, into: &$0) }
                    #expect(bytes.count == head.size(recordBytes: recordBytes))
                }
            }
        }
    }

    @Test func headsInJSON() {
        let head = BatchHead(sequence: 1, kind: .push(topic: "t", partition: 2), nextOffset: 5)
        let open = writtenText {
            head.writeJSONStart(as: .json, hasRecords: true, into: &$0)
            head.writeJSONEnd(as: .json, hasRecords: true, into: &$0)
        }
        #expect(
            open == #"{"sequence":"1","subscribeResp":{"topic":"t","partition":2,"#
                + #""nextOffset":"5","messages":[]}}"#)
        let empty = BatchHead(sequence: 0, kind: .fetch)
        #expect(
            writtenText {
                empty.writeJSONStart(as: .json, hasRecords: false, into: &$0)
                empty.writeJSONEnd(as: .json, hasRecords: false, into: &$0)
            } == #"{"kafkaFetchResp":{}}"#)
    }

    @Test func namesOfSubprotocolsAreComparedExactly() {
        #expect(MessageFormat(subprotocol: "pubsub.proto") == .binary)
        #expect(MessageFormat(subprotocol: "pubsub.json") == .json)
        #expect(MessageFormat(subprotocol: "pubsub.text") == .text)
        #expect(MessageFormat(subprotocol: "Pubsub.json") == nil)
    }

    @Test func codesAreFixed() {
        let codes: [ReplyCode] = [
            .malformed, .unknownCommand, .notAllowed, .limit, .notFound, .unavailable, .timedOut,
            .refusedByKafka, .internalError, .hostCommand, .kafka(1), .kafka(-1),
        ]
        #expect(codes.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1001, 999])
    }

    @Test("a start and a rest are the whole message", arguments: [0, 5, Int64.min])
    func inTwoParts(_ sequence: Int64) {
        let topic = TopicMetadata(
            topic: "t", partitions: [.init(partition: 0, code: .unavailable)])
        for reply in [Reply.metadata([]), .metadata([topic]), .unsubscribed(subscription: 3)] {
            for format in [MessageFormat.binary, .json, .text] {
                let whole = written { reply.write(sequence: sequence, as: format, into: &$0) }
                let start = written { Reply.writeStart(sequence: sequence, as: format, into: &$0) }
                let rest = written { reply.writeRest(as: format, into: &$0) }
                #expect(start + rest == whole)
            }
        }
    }

    @Test func eachRecordIsToldOf() {
        let error = ErrorReply(.timedOut, "late", cause: .outcomeUnknown)
        let reply = Reply.produced(
            ProduceReply(
                results: [
                    ProduceResult(partition: 0, offset: 0, timestamp: 5), .failed(0),
                    .failed(0, partition: 3),
                ], errors: [error], compared: true))
        let late = "22 1a 0807 12046c617465 ca060f 6f7574636f6d6520756e6b6e6f776e"
        let none = "ffffffffffffffffff01"
        let failed = "0a3d 08\(none) 10\(none) 18\(none)" + late
        let second = "0a34 0803 10\(none) 18\(none)" + late
        #expect(binary(1, reply) == hex("0801 f2067b 0a02 1805" + failed + second + "1001"))
        #expect(
            text(1, reply, .json)
                == #"{"sequence":"1","produceResp":{"results":[{"timestamp":"5"},"#
                + #"{"partition":-1,"offset":"-1","timestamp":"-1","error":{"code":7,"#
                + #""message":"late","cause":"outcome unknown"}},{"partition":3,"offset":"-1","#
                + #""timestamp":"-1","error":{"code":7,"message":"late","#
                + #""cause":"outcome unknown"}}],"compared":true}}"#)
        #expect(
            text(0, .produced(ProduceReply(results: [])), .text)
                == #"{"sequence":0,"produceResp":{"compared":false}}"#)
    }
}
