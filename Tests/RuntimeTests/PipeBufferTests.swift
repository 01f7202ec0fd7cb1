@testable import Runtime
import Testing
import Timing

/// What host and loop share: nothing may be lost, doubled or moved.
struct PipeBufferTests {
    static func bytes(_ count: Int, from start: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 + start) * 31 &+ 7) }
    }

    @Test func queueGivesBackWhatWentIn() {
        var random = SeededRandom(seed: 7)
        var queue = ByteQueue()
        var put = 0
        var got = 0
        var buffer = [UInt8](repeating: 0, count: 70_000)
        for _ in 0..<150 {
            let most = Bool.random(using: &random) ? 300 : 20_000
            let count = Int.random(in: 0...most, using: &random)
            let added = Self.bytes(count, from: put).withUnsafeBytes { queue.append($0) }
            #expect(added)
            put += count
            let room = Int.random(in: 0...30_000, using: &random)
            let taken = buffer.withUnsafeMutableBytes {
                queue.take(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<room]))
            }
            #expect(taken == min(room, put - got))
            #expect(Array(buffer[..<taken]) == Self.bytes(taken, from: got))
            got += taken
            let left = queue.count
            #expect(left == put - got)
        }
    }

    @Test func blocksNeverMove() {
        var random = SeededRandom(seed: 9)
        var blocks = OutputBlocks()
        var put = 0
        var got = 0
        for _ in 0..<150 {
            let most = Bool.random(using: &random) ? 200 : 90_000
            let count = Int.random(in: 0...most, using: &random)
            // Handed out before more comes; read afterwards.
            var slices: [UnsafeRawBufferPointer] = []
            let number = blocks.slices(max: 4) { _, slice in slices.append(slice) }
            #expect(number == slices.count)
            let added = Self.bytes(count, from: put).withUnsafeBytes { blocks.append($0) }
            #expect(added == count)
            put += count
            var place = got
            for slice in slices {
                #expect(slice.elementsEqual(Self.bytes(slice.count, from: place)))
                place += slice.count
            }
            let consumed = Int.random(in: 0...(put - got), using: &random)
            blocks.consume(consumed)
            got += consumed
            let left = blocks.count
            let isEmpty = blocks.isEmpty
            #expect(left == put - got)
            #expect(isEmpty == (put == got))
        }
        blocks.consume(blocks.count)
        let pieces = blocks.slices(max: 4) { _, _ in }
        #expect(pieces == 0)
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1000, 100_000])
    func splitterFindsMessages(chunk: Int) {
        // A short one, one of two lengths' boundary, control frames in between, one of fragments.
        var wire: [UInt8] = []
        func frame(_ first: UInt8, _ payload: [UInt8]) {
            wire.append(first)
            switch payload.count {
            case ..<126: wire.append(UInt8(payload.count))
            case ..<65_536:
                wire += [126, UInt8(payload.count >> 8), UInt8(truncatingIfNeeded: payload.count)]
            default:
                wire.append(127)
                for shift in stride(from: 56, through: 0, by: -8) {
                    wire.append(UInt8(truncatingIfNeeded: payload.count >> shift))
                }
            }
            wire += payload
        }
        let long = Self.bytes(70_000, from: 3)
        let middle = Self.bytes(300, from: 5)
        frame(0x82, [1, 2, 3])
        frame(0x82, [])
        frame(0x89, [9])
        frame(0x81, middle)
        frame(0x01, middle)
        frame(0x8a, [])
        frame(0x00, [])
        frame(0x80, [7])
        frame(0x82, long)
        frame(0x88, [3, 232])
        var splitter = MessageSplitter()
        var messages: [[UInt8]] = []
        var opcodes: [UInt8] = []
        var place = 0
        while place < wire.count {
            let end = min(place + chunk, wire.count)
            wire[place..<end].withUnsafeBytes { bytes in
                splitter.take(bytes) { opcode, message in
                    opcodes.append(opcode)
                    messages.append(Array(message))
                }
            }
            place = end
        }
        #expect(opcodes == [2, 2, 1, 1, 2])
        #expect(messages == [[1, 2, 3], [], middle, middle + [7], long])
    }
}
