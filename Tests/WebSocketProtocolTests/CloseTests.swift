import Bytes
import Testing

@testable import WebSocketProtocol

/// RFC 6455 sections 5.5.1 and 7: how connections end.
@Suite struct CloseTests {
    /// What the connection answers to a stream, and how it stands afterwards.
    func answers(_ bytes: [UInt8]) -> [UInt8] {
        var connection = ServerConnection()
        var output = ByteWriter()
        var piece = bytes
        piece.withUnsafeMutableBytes { bytes in
            var input = MutableInput(bytes)
            do throws(WebSocketError) {
                while let event = try connection.next(&input) {
                    connection.answer(event, into: &output)
                }
            } catch {
                connection.close(error.closeCode, reason: error.text, into: &output)
            }
        }
        return output.array
    }

    @Test func anEmptyCloseIsAnsweredEmpty() {
        #expect(answers(ClientFrame.close().bytes) == [0x88, 0])
    }

    @Test(arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1014, 3000, 4999])
    func codesAndReasonsAreEchoed(code: UInt16) {
        let expected: [UInt8] = [0x88, 5, UInt8(code >> 8), UInt8(code & 0xFF)] + "bye".utf8
        #expect(answers(ClientFrame.close(code, "bye").bytes) == expected)
    }

    @Test(arguments: [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
    func codesThatNoFrameMayCarry(code: UInt16) {
        Transcript().verify(
            ClientFrame.close(code).bytes, [.fault(.invalidCloseCode(code), at: 0)])
        #expect(answers(ClientFrame.close(code).bytes)[2...3] == [0x03, 0xEA])
    }

    @Test func halfOfACode() {
        Transcript().verify(
            ClientFrame(opcode: 8, payload: [3]).bytes, [.fault(.closePayloadOfOneByte, at: 0)])
    }

    @Test func aReasonThatIsNotUTF8() {
        for reason: [UInt8] in [[0xFF], [0xE2, 0x82], [0xED, 0xA0, 0x80]] {
            Transcript().verify(
                ClientFrame(opcode: 8, payload: [3, 0xE8] + reason).bytes,
                [.fault(.closeReasonNotUTF8, at: 0)])
        }
    }

    @Test func theLongestReason() {
        let reason = String(repeating: "x", count: 123)
        Transcript().verify(
            ClientFrame.close(1000, reason).bytes, [.close(1000, reason)])
    }

    /// Autobahn 7.1.5: this is an orderly end, not a fault.
    @Test func aCloseBetweenFragments() {
        Transcript().verify(
            .text("frag", isFinal: false) + .close(1000), [.close(1000, "")])
        #expect(
            answers(.text("frag", isFinal: false) + .close(1000)) == [0x88, 2, 0x03, 0xE8])
    }

    @Test func nothingBehindACloseIsLookedAt() {
        let garbage = [UInt8](repeating: 0xFF, count: 64)
        Transcript().verify(
            .close(1000) + .text("late") + garbage, [.close(1000, "")])
    }

    @Test func behindOurCloseOnlyThePeersCounts() {
        var connection = ServerConnection()
        var output = ByteWriter()
        #expect(connection.close(.goingAway, reason: "bye", into: &output))
        #expect(!connection.close(.goingAway, into: &output))
        #expect(connection.isClosed == false)
        var piece = .text("late") + .ping([1]) + .close(1001)
        #expect(Transcript.events(&piece, &connection) == [.close(1001, "")])
        #expect(connection.isClosed == true)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        connection.answer(.close(.goingAway, reason: nothing), into: &output)
        #expect(output.array == [0x88, 5, 0x03, 0xE9] + "bye".utf8)
    }

    @Test func aLongReasonIsCutBetweenCharacters() {
        var output = ByteWriter()
        FrameWriter.close(.normal, reason: String(repeating: "ß", count: 80), into: &output)
        #expect(output.count == 2 + 2 + 122)
        #expect(output.array.last == 0x9F)
    }

    @Test func pingsAreAnsweredWithTheirPayload() {
        #expect(answers(.ping([1, 2]) + .ping([])) == [0x8A, 2, 1, 2, 0x8A, 0])
    }
}
