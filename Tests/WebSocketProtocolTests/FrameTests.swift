import Bytes
import Testing

@testable import WebSocketProtocol

/// RFC 6455 sections 5.2-5.6: what a correct client sends, in every form and cut.
@Suite struct FrameTests {
    let transcript = Transcript()

    /// RFC 6455 section 5.7: "A single-frame masked text message".
    @Test func theStandardsExample() {
        let bytes: [UInt8] = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ]
        transcript.verify(bytes, [.text("Hello")])
    }

    @Test(arguments: [0, 1, 7, 8, 31, 32, 33, 125, 126, 127, 128, 65_535, 65_536, 70_000])
    func messagesAroundTheBordersOfTheLengthForms(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        transcript.verify(
            .binary(payload) + .ping([1]), [.binary(payload), .ping([1])])
    }

    @Test func severalFramesInOneRead() {
        transcript.verify(
            .text("a") + .binary([1, 2]) + .ping([9]) + .text("ß"),
            [.text("a"), .binary([1, 2]), .ping([9]), .text("ß")])
    }

    @Test func controlFramesBetweenFragments() {
        transcript.verify(
            .text("Hel", isFinal: false) + .ping([7]) + .more([UInt8]("l".utf8))
                + ClientFrame(opcode: 10) + .more([UInt8]("o".utf8), isFinal: true) + .text("x"),
            [.ping([7]), .pong([]), .text("Hello"), .text("x")])
    }

    @Test func emptyFragmentsAroundAMessage() {
        transcript.verify(
            .binary([], isFinal: false) + .more([]) + .more([1, 2]) + .more([], isFinal: true),
            [.binary([1, 2])])
    }

    @Test func anEmptyLastFragmentOfNothing() {
        transcript.verify(.text("", isFinal: false) + .more([], isFinal: true), [.text("")])
    }

    @Test func aPingOf125Bytes() {
        let payload = [UInt8](repeating: 0xAB, count: 125)
        transcript.verify(ClientFrame.ping(payload).bytes, [.ping(payload)])
    }

    @Test func theMaskIsAnyKey() {
        for mask: [UInt8] in [[0, 0, 0, 0], [255, 255, 255, 255], [1, 2, 3, 4]] {
            var frame = ClientFrame.text("Grüße an alle, die hier masked werden: 0123456789")
            frame.mask = mask
            transcript.verify(
                frame.bytes, [.text("Grüße an alle, die hier masked werden: 0123456789")])
        }
    }

    @Test func sixtyFiveThousandFragmentsOf64BytesPass() {
        let piece = [UInt8](repeating: 5, count: 64)
        var bytes = ClientFrame.binary(piece, isFinal: false).bytes
        let more = ClientFrame.more(piece).bytes
        for _ in 0..<65_534 { bytes += more }
        bytes += ClientFrame.more(piece, isFinal: true).bytes
        let large = Transcript(limits: FrameLimits(messageBytesMax: 16_777_216))
        let whole = [UInt8](repeating: 5, count: 4_194_304)
        #expect(large.play(bytes) { 65_536 } == [.binary(whole)])
    }
}
