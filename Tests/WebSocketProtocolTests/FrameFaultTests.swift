import Bytes
import Testing

@testable import WebSocketProtocol

/// Every rule that a peer can break, and where the fault is said to be.
@Suite struct FrameFaultTests {
    let limits = FrameLimits(messageBytesMax: 1_000, fragmentChargeBytes: 10)
    var transcript: Transcript { Transcript(limits: limits) }

    /// The frame stands behind a good one of seven bytes, and in front of another that must not
    /// be looked at any more.
    func expectFault(
        _ frame: ClientFrame, _ reason: WebSocketError.Reason,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        transcript.verify(
            ClientFrame.text("a").bytes + frame.bytes + ClientFrame.text("b").bytes,
            [.text("a"), .fault(reason, at: 7)], sourceLocation: sourceLocation)
    }

    @Test(arguments: 1...7) func reservedBitsAreRefused(bits: UInt8) {
        expectFault(ClientFrame(opcode: 1, reserved: bits), .reservedBits)
        expectFault(ClientFrame(opcode: 9, reserved: bits), .reservedBits)
    }

    @Test(arguments: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
    func unknownOpcodesAreRefused(opcode: UInt8) {
        expectFault(ClientFrame(opcode: opcode), .unknownOpcode(opcode))
    }

    @Test(arguments: [8, 9, 10]) func longOrFragmentedControlFramesAreRefused(opcode: UInt8) {
        expectFault(ClientFrame(opcode: opcode, isFinal: false), .fragmentedControlFrame)
        let long = [UInt8](repeating: 0x20, count: 126)
        expectFault(ClientFrame(opcode: opcode, payload: long), .controlFrameTooLong)
    }

    @Test(arguments: [0, 1, 2, 8, 9, 10]) func unmaskedFramesAreRefused(opcode: UInt8) {
        expectFault(ClientFrame(opcode: opcode, payload: [3, 0xE8], mask: nil), .notMasked)
    }

    @Test(arguments: [0, 1, 125]) func sixteenBitsForASmallLength(count: Int) {
        let payload = [UInt8](repeating: 0x20, count: count)
        expectFault(
            ClientFrame(opcode: 1, payload: payload, form: .extended16), .nonMinimalLength)
    }

    @Test(arguments: [0, 125, 126, 65_535]) func sixtyFourBitsForASmallLength(length: UInt64) {
        expectFault(
            ClientFrame(opcode: 2, form: .extended64, announced: length), .nonMinimalLength)
    }

    @Test(arguments: [1_001, 65_535, 65_536, 1 << 30, 1 << 62, (1 << 63) - 1, 1 << 63, .max - 3])
    func lengthsAboveTheLimitFailFromTheHeaderOn(length: UInt64) {
        expectFault(
            ClientFrame(opcode: 2, announced: length), .messageTooBig(bytesMax: 1_000))
    }

    @Test func aMessageOfExactlyTheLimitPasses() {
        let payload = [UInt8](repeating: 1, count: 1_000)
        transcript.verify(ClientFrame.binary(payload).bytes, [.binary(payload)])
        transcript.verify(
            .binary([UInt8](payload[..<999]), isFinal: false) + .more([1], isFinal: true),
            [.binary(payload)])
    }

    @Test func fragmentsAddUp() {
        let start = ClientFrame.binary([UInt8](repeating: 1, count: 999), isFinal: false)
        transcript.verify(
            start + .more([2, 3], isFinal: true),
            [.fault(.messageTooBig(bytesMax: 1_000), at: UInt64(start.bytes.count))])
        let last = ClientFrame(opcode: 0, announced: .max)
        transcript.verify(
            start + last,
            [.fault(.messageTooBig(bytesMax: 1_000), at: UInt64(start.bytes.count))])
    }

    @Test func emptyFragmentsAreCounted() {
        var bytes = ClientFrame.binary([], isFinal: false).bytes
        for _ in 0..<99 { bytes += ClientFrame.more([]).bytes }
        transcript.verify(bytes + ClientFrame.more([], isFinal: true).bytes, [.binary([])])
        let offset = UInt64(bytes.count)
        bytes += ClientFrame.more([]).bytes
        transcript.verify(bytes, [.fault(.tooManyFragments, at: offset)])
    }

    @Test func fragmentsInTheWrongOrder() {
        expectFault(.more([1], isFinal: true), .continuationWithoutStart)
        expectFault(.more([1]), .continuationWithoutStart)
        transcript.verify(
            .text("a", isFinal: false) + .text("b"), [.fault(.startInsideOfMessage, at: 7)])
        transcript.verify(
            .text("a", isFinal: false) + .more([], isFinal: true) + .more([], isFinal: true),
            [.text("a"), .fault(.continuationWithoutStart, at: 13)])
    }

    /// Each byte that cannot be right is refused before the next one is there.
    @Test func faultsShowWithTheirFirstByte() {
        for prefix: [UInt8] in [[0x83], [0xC1], [0x09], [0x81, 0x05], [0x89, 0xFE]] {
            var piece = prefix
            var connection = ServerConnection(limits: limits)
            let seen = Transcript.events(&piece, &connection)
            guard case .fault = seen.first else {
                Issue.record("\(prefix) is waited with")
                continue
            }
        }
    }

    @Test func everyReasonHasACodeAndATextThatFitsAFrame() {
        let reasons: [(WebSocketError.Reason, UInt16)] = [
            (.reservedBits, 1002), (.unknownOpcode(3), 1002), (.fragmentedControlFrame, 1002),
            (.controlFrameTooLong, 1002), (.notMasked, 1002), (.nonMinimalLength, 1002),
            (.messageTooBig(bytesMax: .max), 1009), (.tooManyFragments, 1009),
            (.continuationWithoutStart, 1002), (.startInsideOfMessage, 1002),
            (.invalidUTF8, 1007), (.closePayloadOfOneByte, 1002), (.invalidCloseCode(0), 1002),
            (.closeReasonNotUTF8, 1007), (.invalidDeflateData, 1007),
        ]
        for (reason, code) in reasons {
            let error = WebSocketError(reason, frameOffset: 0)
            #expect(error.closeCode.rawValue == code)
            #expect((1...123).contains(error.text.utf8.count))
        }
    }
}
