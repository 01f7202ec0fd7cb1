import Bytes
import PubSubProtocol
import Testing

/// `CmdSubscribe` is refused at the first partition too many, not when all of them were read.
@Suite struct SubscribeLimitTests {
    private static func length(_ number: Int, _ payload: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(payload.count) + payload
    }

    private static func varint(_ value: Int) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
    }

    private func place(_ subscriptions: [[UInt8]]) -> Int? {
        let message = Self.length(101, subscriptions.flatMap { Self.length(1, $0) })
        let block = ByteBlock(count: message.count)
        block.mutableBytes.copyBytes(from: message)
        do throws(MalformedMessage) {
            _ = try PubSubRequest.decode(block.bytes, limits: RequestLimits(followedMax: 128))
            return nil
        } catch {
            guard error.code == .limit, case .byte(let place) = error.place else { return nil }
            return place
        }
    }

    @Test("within one subscription")
    func partitions() throws {
        let many = Self.length(1, [0x74]) + Self.length(2, (0..<9_000).flatMap(Self.varint))
        #expect(try #require(place([many])) < 200)
        let enough = Self.length(1, [0x74]) + Self.length(2, (0..<128).flatMap(Self.varint))
        #expect(place([enough]) == nil)
    }

    @Test("over all of them")
    func subscriptions() throws {
        let one = Self.length(1, [0x74]) + Self.length(2, (0..<60).flatMap(Self.varint))
        #expect(place([one, one]) == nil)
        #expect(try #require(place(Array(repeating: one, count: 900))) < 300)
        #expect(try #require(place(Array(repeating: Self.length(1, [0x74]), count: 900))) < 900)
    }
}
