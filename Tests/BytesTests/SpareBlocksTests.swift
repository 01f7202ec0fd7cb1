import Bytes
import Testing

@Suite struct SpareBlocksTests {
    @Test func aBlockIsUsedAgain() {
        let spares = SpareBlocks(bytesMax: 1 << 20)
        let first = spares.take(100_000)
        #expect(first.capacity >= 100_000)
        spares.give(first)
        #expect(spares.byteCount == first.capacity)
        let second = spares.take(99_000)
        #expect(second.base == first.base)
        #expect(second.capacity == first.capacity)
        #expect(spares.byteCount == 0)
        spares.give(second)
    }

    @Test func theClosestOneIsTaken() {
        let spares = SpareBlocks(bytesMax: 1 << 20)
        let sizes = [200_000, 100_000, 150_000]
        for block in sizes.map({ spares.take($0) }) { spares.give(block) }
        let middle = spares.take(120_000)
        #expect(middle.capacity >= 150_000 && middle.capacity < 200_000)
        let fresh = spares.take(20_000, excess: 10_000)
        #expect(fresh.capacity <= 30_000)
        #expect(spares.byteCount >= 300_000)
        spares.give(middle)
        spares.give(fresh)
    }

    @Test func itNeverKeepsMoreThanItsLimit() {
        let spares = SpareBlocks(bytesMax: 256 << 10)
        for block in (0..<20).map({ spares.take(20_000 + $0 * 1_000) }) {
            spares.give(block)
            #expect(spares.byteCount <= 256 << 10)
        }
        #expect(spares.byteCount > 128 << 10)
        // What would push out everything else is not kept.
        let before = spares.byteCount
        spares.give(spares.take(200 << 10))
        #expect(spares.byteCount == before)
    }

    @Test func aBlockGoesBackWithItsByteBlock() {
        let spares = SpareBlocks(bytesMax: 1 << 20)
        do {
            let block = ByteBlock(adopting: spares.take(70_000), count: 70_000, spares: spares)
            #expect(block.bytes.count == 70_000)
            block.mutableBytes[69_999] = 7
        }
        #expect(spares.byteCount >= 70_000)
    }

    @Test("What a peer has announced takes memory as it comes")
    func fillingBlock() throws {
        let spares = SpareBlocks(bytesMax: 64 << 20)
        let count = 9 * FillingBlock.firstBytesMax + 7
        let block = try #require(FillingBlock(count: count, from: spares))
        while !block.isFull {
            let space = block.space
            #expect(
                block.filled + space.count <= max(2 * block.filled, 2 * FillingBlock.firstBytesMax))
            let part = min(space.count, 300_000)
            for place in 0..<part { space[place] = UInt8(truncatingIfNeeded: block.filled + place) }
            #expect(block.fill(part))
        }
        let whole = block.take()
        #expect(whole.count == count)
        let isSame = whole.bytes.enumerated().allSatisfy {
            $1 == UInt8(truncatingIfNeeded: $0)
        }
        #expect(isSame)
    }

    @Test func aWriterTakesABlockOverAndHandsItOn() {
        let spares = SpareBlocks(bytesMax: 1 << 20)
        var writer = ByteWriter(adopting: spares.take(50_000))
        #expect(writer.isEmpty && writer.room >= 50_000)
        writer.end?.storeBytes(of: 42, as: UInt8.self)
        writer.commit(1)
        #expect(writer.array == [42])
        let released = writer.release()
        #expect(released?.capacity ?? 0 >= 50_000)
        #expect(writer.release() == nil)
        if let released { spares.give(released) }
        #expect(spares.byteCount >= 50_000)
    }
}
