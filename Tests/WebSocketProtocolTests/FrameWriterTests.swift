import Bytes
import Testing

@testable import WebSocketProtocol

@Suite struct FrameWriterTests {
    func header(_ length: Int, isFinal: Bool = true, isCompressed: Bool = false) -> [UInt8] {
        var output = ByteWriter()
        FrameWriter.header(
            .binary, length: length, isFinal: isFinal, isCompressed: isCompressed, into: &output)
        return output.array
    }

    @Test func lengthsTakeTheirShortestForm() {
        #expect(header(0) == [0x82, 0])
        #expect(header(125) == [0x82, 125])
        #expect(header(126) == [0x82, 126, 0, 126])
        #expect(header(65_535) == [0x82, 126, 255, 255])
        #expect(header(65_536) == [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test func theFirstByteTellsFinalAndCompressed() {
        #expect(header(1, isFinal: false) == [0x02, 1])
        #expect(header(1, isCompressed: true) == [0xC2, 1])
        #expect(header(300, isFinal: false, isCompressed: true) == [0x42, 126, 1, 44])
    }
}
