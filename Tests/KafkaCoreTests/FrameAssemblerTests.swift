import Bytes
import Testing
import Timing

@testable import KafkaCore

@Suite struct FrameAssemblerTests {
    private func assembler(bytesMax: Int = 1 << 20) -> FrameAssembler {
        FrameAssembler(frameBytesMax: bytesMax, spares: SpareBlocks(bytesMax: 1 << 20))
    }

    private static func frame(_ body: [UInt8]) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: body.count >> $0) } + body
    }

    /// What comes of the bytes when they are received in pieces of so many.
    private func bodies(
        _ stream: [UInt8], pieces: Int, inPlace: Bool = false
    ) throws(FrameAssembler.Fault) -> [[UInt8]] {
        var assembler = assembler()
        var found: [[UInt8]] = []
        var place = 0
        while place < stream.count {
            let count = min(pieces, stream.count - place)
            let piece = Array(stream[place..<place + count])
            if inPlace, let space = assembler.space {
                let fits = min(count, space.count)
                space.copyBytes(from: piece.prefix(fits))
                if let frame = try assembler.filledSpace(fits) { found.append(Array(frame.bytes)) }
                place += fits
                continue
            }
            try take(piece, &assembler, &found)
            place += count
        }
        #expect(!assembler.isInsideFrame)
        return found
    }

    private func take(
        _ piece: [UInt8], _ assembler: inout FrameAssembler, _ found: inout [[UInt8]]
    ) throws(FrameAssembler.Fault) {
        let block = piece.withUnsafeBytes { ByteBlock(copying: $0) }
        var rest = block.bytes
        while let frame = try assembler.next(&rest) { found.append(Array(frame.bytes)) }
        #expect(rest.isEmpty, "bytes are taken until a frame needs more")
    }

    @Test(
        "frames are the same, in whatever pieces they come", arguments: [1, 2, 3, 5, 7, 64, 9_999])
    func pieces(_ pieces: Int) throws {
        let all: [[UInt8]] = [
            [1, 2, 3, 4], [UInt8](repeating: 7, count: 300), [9, 9, 9, 9, 9],
        ]
        let stream = all.flatMap(Self.frame)
        #expect(try bodies(stream, pieces: pieces) == all)
        #expect(try bodies(stream, pieces: pieces, inPlace: true) == all)
    }

    @Test(
        "what is no size of a response is told for what it looks like",
        arguments: [
            ([0, 0, 0, 3], "response of 3 bytes"), ([0xff, 0xff, 0xff, 0xff], "-1 bytes"),
            ([0, 0x20, 0, 0], "over the limit"), (Array("HTTP".utf8), "speaks HTTP"),
            ([0x15, 3, 3, 0], "speaks TLS"), ([0x16, 3, 1, 0], "speaks TLS"),
        ] as [([UInt8], String)])
    func faults(_ head: [UInt8], _ words: String) {
        for pieces in [1, 4] {
            do throws(FrameAssembler.Fault) {
                _ = try bodies(head, pieces: pieces)
                Issue.record("no fault")
            } catch {
                #expect(error.text.contains(words))
            }
        }
    }

    @Test("a size that is announced is not allocated before its bytes come")
    func announced() throws {
        var assembler = assembler(bytesMax: 1 << 30)
        var found: [[UInt8]] = []
        try take([0x30, 0, 0, 0, 1], &assembler, &found)
        #expect(assembler.isInsideFrame && found.isEmpty)
        #expect((assembler.space?.count ?? 0) < 16 << 20)
    }
}
