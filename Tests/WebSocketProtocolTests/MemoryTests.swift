import Bytes
import Testing

@testable import WebSocketProtocol

/// What a connection holds, and when it gives it back.
@Suite struct MemoryTests {
    /// Feeds a piece to the connection and forgets its events.
    func feed(_ bytes: [UInt8], _ connection: inout ServerConnection) {
        var piece = bytes
        _ = Transcript.events(&piece, &connection)
    }

    @Test func aLengthThatIsOnlyAnnouncedTakesNoMemory() {
        var connection = ServerConnection()
        feed(ClientFrame(opcode: 2, announced: 1_000_000).bytes + [1, 2, 3], &connection)
        #expect(connection.isInsideOfMessage == true)
        #expect(connection.heldBytes <= 64)
    }

    @Test func aLargeMessageTakesItsSize() {
        var connection = ServerConnection()
        let frame = ClientFrame.binary([UInt8](repeating: 1, count: 1_000_000)).bytes
        for start in stride(from: 0, to: frame.count - 1, by: 65_536) {
            feed([UInt8](frame[start..<min(start + 65_536, frame.count - 1)]), &connection)
            #expect(connection.heldBytes <= 1_000_000)
        }
        feed([frame[frame.count - 1]], &connection)
        #expect(connection.heldBytes == 0)
        #expect(connection.isInsideOfMessage == false)
    }

    /// Each growth may move all that is there: many small fragments must not make many of them.
    @Test func manyFragmentsGrowTheMemoryInFewSteps() {
        var connection = ServerConnection()
        var sizes: Set<Int> = []
        feed(ClientFrame.binary([1], isFinal: false).bytes, &connection)
        let more = ClientFrame.more([UInt8](repeating: 2, count: 64)).bytes
        for _ in 0..<10_000 {
            feed(more, &connection)
            sizes.insert(connection.heldBytes)
        }
        #expect(connection.heldBytes <= 2 * 640_001)
        #expect(sizes.count <= 20)
    }

    @Test func wholeFramesTakeNone() {
        var connection = ServerConnection()
        feed(.text("a") + .ping([1]), &connection)
        #expect(connection.heldBytes == 0)
    }

    @Test func afterOurCloseAMessageTakesNoneAndThePeersCloseIsFoundBehindIt() {
        var connection = ServerConnection()
        let frame = ClientFrame.binary([UInt8](repeating: 1, count: 100_000)).bytes
        feed([UInt8](frame[..<60_000]), &connection)
        #expect(connection.heldBytes >= 59_000)
        var output = ByteWriter()
        connection.close(.goingAway, into: &output)
        #expect(connection.heldBytes == 0)
        for start in stride(from: 60_000, to: frame.count, by: 10_000) {
            feed([UInt8](frame[start..<min(start + 10_000, frame.count)]), &connection)
            #expect(connection.heldBytes == 0)
        }
        feed(ClientFrame.close(1_001).bytes, &connection)
        #expect(connection.isClosed == true)
    }

    @Test func aPeerAtFaultGivesItsMemoryBack() {
        var connection = ServerConnection()
        feed(.text("begun", isFinal: false) + ClientFrame(opcode: 3), &connection)
        #expect(connection.heldBytes == 0)
    }

    @Test func aControlFrameInPiecesTakesLittle() {
        var connection = ServerConnection()
        feed(
            [UInt8](ClientFrame.ping([UInt8](repeating: 1, count: 125)).bytes[..<130]), &connection)
        #expect(connection.heldBytes <= 256)
    }

    @Test func theConnectionItselfIsSmall() {
        #expect(MemoryLayout<ServerConnection>.size <= 256)
    }

    /// The whole frame is answered from where it lies in the driver's buffer.
    @Test func wholeFramesAreNotCopied() throws {
        var connection = ServerConnection()
        var bytes = ClientFrame.binary([1, 2, 3]).bytes
        try bytes.withUnsafeMutableBytes { raw in
            var input = MutableInput(raw)
            guard case .message(_, let payload)? = try connection.next(&input) else {
                Issue.record("no message")
                return
            }
            #expect(payload.baseAddress == UnsafeRawPointer(raw.baseAddress! + 6))
        }
    }
}
