import Bytes
import PubSubProtocol
import TestSupport
import Testing

@Suite struct PlainPingTests {
    private func matches(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes(PlainPing.matches) }

    /// The reply to a ping that went the long way; nil: the message is none.
    private func reply(_ message: [UInt8]) -> [UInt8]? {
        guard let request = try? decode(message), case .ping(let state) = request.command else {
            return nil
        }
        var out = ByteWriter()
        message.withUnsafeBytes { raw in
            request.withBytes(state, of: raw, in: .binary) {
                Reply.pong(state: $0).write(
                    sequence: request.sequence, as: .binary, into: &out)
            }
        }
        return out.array
    }

    @Test func pingsAsEncodersWriteThem() {
        for state in [0, 1, 5, 100, 125] {
            for sequence in [0, 1, 127, 128, 1 << 40, Int64.max, -1, .min] as [Int64] {
                var out = ByteWriter()
                let bytes = [UInt8](repeating: 7, count: state)
                bytes.withUnsafeBytes {
                    Reply.pong(state: $0).write(sequence: sequence, as: .binary, into: &out)
                }
                #expect(matches(out.array), "\(out.array)")
                #expect(reply(out.array) == out.array)
            }
        }
    }

    @Test func othersAreNot() {
        for text in [
            "", "08", "0803", "0800 820200", "088000 820200", "0803 8202", "0803 820201",
            "0803 820200 00", "0803 820202 0a00", "0803 820203 0a0100", "0803 820203 120161",
            "0803 820200 820200", "820206 0a0474657374 0803", "0803 fa0100",
            "08ffffffffffffffffff02 820200", "0803 82820000", "0803 820280",
        ] {
            let bytes = hex(text)
            if matches(bytes) { #expect(reply(bytes) == bytes, "\(text)") }
        }
        #expect(!matches(hex("0800 820200")))
        #expect(!matches(hex("088000 820200")))
        #expect(!matches(hex("0803 820202 0a00")))
        #expect(!matches(hex("0803 820200 820200")))
    }

    /// Whatever is taken for a ping is one, and its reply is itself: all messages that differ from
    /// a ping in two bytes or are cut.
    @Test func whateverMatchesIsItsOwnReply() {
        let ping = hex("088701 820205 0a03616263")
        #expect(matches(ping))
        for first in ping.indices {
            for second in first..<ping.count {
                for flip in [1, 2, 3, 8, 0x7f, 0x80, 0xff] as [UInt8] {
                    var bytes = ping
                    bytes[first] ^= flip
                    if second != first { bytes[second] ^= 1 }
                    if matches(bytes) { #expect(reply(bytes) == bytes, "\(bytes)") }
                }
            }
        }
        for count in ping.indices { #expect(!matches(Array(ping.prefix(count)))) }
    }
}
