import Bytes
import PubSubProtocol
import TestSupport
import Testing

/// Whatever arrives, the answer is a value or an error. A read beyond the end would show under the
/// address sanitizer: every case stands in memory of its own size.
@Suite struct HostileBytesTests {
    static let requests: [[UInt8]] = [
        hex("0803 820206 0a0474657374"),
        hex("8a0211 0a0174 a806e807 b006fa01 b80601 c00602"),
        hex("920219 0a0174 10ffffffffffffffffff01 18feffffffffffffffff01"),
        hex(
            "aa0622 0a13 0a0161 120c 0001ffffffffffffffffff01 1801"
                + " 0a07 0a0162 1007 2000 1000 2001"),
        hex("ba0604 0805 1064 c20604 0805 1001 ca0606 0a0161 0a0162 c23e03616263"),
        hex("1005 190102030405060708 220161 2d01020304"),
        hex(ProduceRequestTests.whole),
    ]

    static let texts: [[UInt8]] = [
        #"{"sequence":"1","cmdKafkaFetch":{"topic":"t\u00e9","offset":"5","isolation":1}}"#,
        #"{"cmdSubscribe":{"subscriptions":[{"topic":"t","partitions":[0,-1]}],"maxBytes":1e3}}"#,
        #"{"cmdPing":{"state":"dGVzdA=="},"sequence":-1}"#,
        #"{"cmdProduce":{"records":[{"topic":"t","key":"aw==","headers":[{"key":"h"}]}]}}"#,
    ].map { Array($0.utf8) }

    private func feed(_ bytes: [UInt8], _ format: MessageFormat) {
        let block = ByteBlock(count: bytes.count)
        block.mutableBytes.copyBytes(from: bytes)
        do throws(MalformedMessage) {
            let request = try PubSubRequest.decode(block.bytes, as: format)
            if case .ping(let state) = request.command {
                let count = request.withBytes(state, of: block.bytes, in: format) { $0.count }
                #expect(count == state.count)
            }
            if case .produce(let produce) = request.command {
                request.withRecordBytes(of: block.bytes, in: format) { lent in
                    for record in produce.records {
                        let read = [UInt8](lent.headers(record.headers))
                        #expect(read.count >= 2 * record.headerCount)
                    }
                }
            }
        } catch {
            #expect(!error.description.isEmpty)
            if case .byte(let place) = error.place {
                #expect(place >= 0 && place <= bytes.count)
            }
        }
    }

    @Test func noPrefixTraps() {
        for request in Self.requests {
            for count in 0...request.count { feed(Array(request[..<count]), .binary) }
        }
        for text in Self.texts {
            for count in 0...text.count {
                feed(Array(text[..<count]), .json)
                feed(Array(text[..<count]), .text)
            }
        }
    }

    @Test func noReplacedByteTraps() {
        for request in Self.requests {
            for place in request.indices {
                for byte: UInt8 in [0, 1, 2, 3, 4, 5, 6, 7, 0x0a, 0x7f, 0x80, 0xff] {
                    var broken = request
                    broken[place] = byte
                    feed(broken, .binary)
                }
            }
        }
        for text in Self.texts {
            for place in text.indices {
                for byte in Array("\"\\{}[],:0-.e\u{0}\u{7f}".utf8) + [0x80, 0xff] {
                    var broken = text
                    broken[place] = byte
                    feed(broken, .json)
                    feed(broken, .text)
                }
            }
        }
    }

    @Test func recordsCutAndBroken() throws {
        let records = try record(
            offset: 300, timestamp: -1, key: [1], value: [2, 3], headers: [("k", [9]), ("", nil)],
            appendTime: true)
        for place in records.indices {
            for byte: UInt8 in [0, 1, 0x0a, 0x12, 0x1a, 0x7f, 0x80, 0xff] {
                var broken = records
                broken[place] = byte
                transcode(broken)
            }
            let cut = ByteBlock(count: place)
            cut.mutableBytes.copyBytes(from: records[..<place])
            var out = ByteWriter()
            if place > 0 {
                #expect(throws: BytesError.self) {
                    try RecordTranscoder.writeAll(cut.bytes, as: .json, into: &out)
                }
            }
        }
    }

    private func transcode(_ bytes: [UInt8]) {
        let block = ByteBlock(count: bytes.count)
        block.mutableBytes.copyBytes(from: bytes)
        for format in [MessageFormat.json, .text] {
            var out = ByteWriter()
            _ = try? RecordTranscoder.writeAll(block.bytes, as: format, into: &out)
        }
    }
}
