import Bytes
import Compression
import Testing

@testable import WebSocketProtocol

/// RFC 7692: permessage-deflate without context takeover.
@Suite struct DeflateTests {
    let transcript = Transcript(isDeflating: true)

    func compressed(_ payload: [UInt8], opcode: UInt8 = 2, isFinal: Bool = true) -> ClientFrame {
        ClientFrame(opcode: opcode, payload: payload, isFinal: isFinal, reserved: 4)
    }

    /// RFC 7692 section 7.2.3.1, one frame and two.
    @Test func theStandardsExample() {
        let hello: [UInt8] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]
        transcript.verify(compressed(hello, opcode: 1).bytes, [.text("Hello")])
        transcript.verify(
            compressed([UInt8](hello[..<3]), opcode: 1, isFinal: false) + .ping([1])
                + .more([UInt8](hello[3...]), isFinal: true),
            [.ping([1]), .text("Hello")])
    }

    /// Sections 7.2.3.3-7.2.3.5: stored blocks, a final block, two blocks.
    @Test func otherShapesOfBlocks() {
        let shapes: [[UInt8]] = [
            [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ]
        for shape in shapes {
            transcript.verify(compressed(shape, opcode: 1).bytes, [.text("Hello")])
        }
    }

    @Test func emptyMessagesAreInflated() {
        transcript.verify(
            compressed([0x00]).bytes + compressed([]).bytes, [.binary([]), .binary([])])
    }

    @Test func clearMessagesStayLegal() {
        transcript.verify(
            .text("clear") + .deflated([UInt8]("packed".utf8), opcode: 1),
            [.text("clear"), .text("packed")])
    }

    @Test func reservedBitsElsewhereStayForbidden() {
        transcript.verify(
            ClientFrame(opcode: 9, reserved: 4).bytes, [.fault(.reservedBits, at: 0)])
        transcript.verify(
            compressed([1], isFinal: false) + ClientFrame(opcode: 0, reserved: 4),
            [.fault(.reservedBits, at: 7)])
        transcript.verify(
            ClientFrame(opcode: 1, reserved: 2).bytes, [.fault(.reservedBits, at: 0)])
    }

    @Test func brokenDataIsRefused() {
        for payload: [UInt8] in [
            [0xFF, 0xFF, 0xFF], [0x07], [0x00, 0x09, 0x00, 0xF6, 0xFF, 0x48],
            [0xf2, 0x48, 0xcd, 0xc9],
        ] {
            transcript.verify(compressed(payload).bytes, [.fault(.invalidDeflateData, at: 0)])
        }
    }

    @Test func utf8IsCheckedBehindTheInflation() {
        transcript.verify(
            ClientFrame.deflated([0x61, 0xFF], opcode: 1).bytes, [.fault(.invalidUTF8, at: 0)])
        transcript.verify(ClientFrame.deflated([0x61, 0xFF]).bytes, [.binary([0x61, 0xFF])])
    }

    @Test("of a message that is refused anyway only the start is inflated, and nothing is checked")
    func onlyTheStart() throws {
        var connection = ServerConnection(
            limits: FrameLimits(messageBytesMax: 10_000), deflate: DeflateCodec())
        connection.inflatesUpTo = 10
        for payload in [
            ClientFrame.deflated([UInt8](repeating: 7, count: 1_000_000)),
            compressed(ClientFrame.deflated([UInt8](repeating: 7, count: 10)).payload + [0xff]),
        ] {
            var bytes = payload.bytes
            try bytes.withUnsafeMutableBytes { raw in
                var input = MutableInput(raw)
                guard case .message(.binary, let start)? = try connection.next(&input) else {
                    Issue.record("no message")
                    return
                }
                #expect(Array(start) == [UInt8](repeating: 7, count: 10))
            }
        }
    }

    @Test func aBombIsCutAtTheLimit() {
        let limited = Transcript(limits: FrameLimits(messageBytesMax: 100_000), isDeflating: true)
        let fits = [UInt8](repeating: 0, count: 100_000)
        limited.verify(ClientFrame.deflated(fits).bytes, [.binary(fits)])
        limited.verify(
            ClientFrame.deflated(fits + [0]).bytes,
            [.fault(.messageTooBig(bytesMax: 100_000), at: 0)])
        let bomb = [UInt8](repeating: 0, count: 50_000_000)
        #expect(
            limited.play(ClientFrame.deflated(bomb).bytes) { 65_536 }
                == [.fault(.messageTooBig(bytesMax: 100_000), at: 0)])
    }

    /// Each message is compressed for itself, in every window that was agreed on.
    @Test(arguments: 9...15) func whatWeSendCanBeInflated(windowBits: Int) throws {
        let offer = ExtensionOffer.list(
            "permessage-deflate; server_max_window_bits=\(windowBits)")
        let agreement = try #require(DeflateAgreement.negotiate(offer ?? []))
        #expect(agreement.serverWindowBits == windowBits)
        let codec = DeflateCodec()
        for count in [0, 1, 100, 10_000, 300_000] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 3 &* $0) }
            var output = ByteWriter()
            payload.withUnsafeBytes { codec.write(.binary, $0, agreement, into: &output) }
            #expect(output.array[0] == 0xC2)
            var plain = ByteWriter()
            let sent = [UInt8](output.array[serverHeader(output.array)...])
            try sent.withUnsafeBytes {
                try RawInflate().inflate(
                    $0, restoresMarker: true, into: &plain, bytesMax: count)
            }
            #expect(plain.array == payload)
        }
    }

    func serverHeader(_ frame: [UInt8]) -> Int {
        frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10
    }
}

/// RFC 7692 section 7.1: which offers are met, and with what.
@Suite struct DeflateAgreementTests {
    func answer(_ offer: String, _ windowBits: ClosedRange<Int> = 9...15) -> String? {
        DeflateAgreement.negotiate(ExtensionOffer.list(offer) ?? [], windowBits: windowBits)?
            .headerValue
    }
    let plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

    @Test(arguments: [
        "permessage-deflate", "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=10",
        "permessage-deflate;server_no_context_takeover;client_no_context_takeover",
        "x-webkit-deflate-frame, permessage-deflate",
        "permessage-deflate; unknown, permessage-deflate; client_max_window_bits=\"9\"",
    ])
    func offersThatAreMet(offer: String) { #expect(answer(offer) == plain) }

    @Test(arguments: [
        "permessage-deflate; server_max_window_bits", "permessage-deflate; unknown=1",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; client_max_window_bits=99",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover=1", "permessage-bzip2", "",
        "Permessage-Deflate; server_max_window_bits=x",
    ])
    func offersThatAreDeclined(offer: String) { #expect(answer(offer) == nil) }

    @Test func aWindowIsConfirmed() {
        #expect(
            answer("permessage-deflate; server_max_window_bits=12")
                == plain + "; server_max_window_bits=12")
    }

    @Test func smallWindowsAreDeclinedWhereMessagesAreShared() {
        #expect(answer("permessage-deflate; server_max_window_bits=12", 15...15) == nil)
        #expect(
            answer("permessage-deflate; server_max_window_bits=15", 15...15)
                == plain + "; server_max_window_bits=15")
        #expect(
            answer("permessage-deflate; server_max_window_bits=9, permessage-deflate", 15...15)
                == plain)
    }
}
