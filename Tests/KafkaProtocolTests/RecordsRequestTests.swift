import Bytes
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs
import Testing

@Suite struct RecordsRequestTests {
    @Test(
        "a frame of many blocks is the frame that one buffer would hold", arguments: [3, 9, 12, 13])
    func sameBytes(version: Int) throws {
        let blocks = Self.sizes.map(Self.batch)
        var frame: [ByteBlock] = []
        Self.request(blocks).encodeFrame(
            into: &frame, batches: blocks, version: Int16(version), correlationID: 7,
            clientID: "p")
        let sent = frame.flatMap { [UInt8]($0.bytes) }
        #expect(sent == Self.copied(blocks, version: Int16(version)))
    }

    @Test("a large batch is not copied, and small ones make no block of their own")
    func blocks() {
        let blocks = Self.sizes.map(Self.batch)
        var frame: [ByteBlock] = []
        Self.request(blocks).encodeFrame(
            into: &frame, batches: blocks, version: 12, correlationID: 7, clientID: nil)
        let large = blocks.filter { $0.count >= batchBytesSplicedMin }
        #expect(large.count == 2)
        #expect(frame.filter { block in large.contains { $0 === block } }.count == 2)
        #expect(frame.count == 5)
    }

    /// Of the batches of two topics, two partitions each.
    static let sizes = [100, batchBytesSplicedMin, 1 << 20, batchBytesSplicedMin - 1]

    private static func batch(_ size: Int) -> ByteBlock {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
        return bytes.withUnsafeBytes { ByteBlock(copying: $0) }
    }

    private static func request(_ batches: [ByteBlock]) -> ProduceRequest {
        var offset = 0
        let partitions = batches.enumerated().map { index, batch in
            defer { offset += batch.count }
            return ProduceRequest.Partition(
                index: Int32(index), records: KafkaBytes(offset: offset, count: batch.count))
        }
        return ProduceRequest(
            acks: -1, timeoutMilliseconds: 30_000,
            topicData: [
                .init(name: "a", topicID: .zero, partitionData: Array(partitions[..<2])),
                .init(name: "b", topicID: .zero, partitionData: Array(partitions[2...])),
                .init(name: "none", partitionData: [.init(index: 9)]),
            ])
    }

    /// The same frame, every byte copied.
    private static func copied(_ batches: [ByteBlock], version: Int16) -> [UInt8] {
        var w = ByteWriter()
        w.int32(0)
        RequestHeader(apiKey: 0, apiVersion: version, correlationID: 7, clientID: "p")
            .encode(&w, flexible: version >= 9)
        let all = batches.flatMap { [UInt8]($0.bytes) }
        all.withUnsafeBytes { request(batches).encode(&w, version: version, records: $0) }
        w.patchInt32(Int32(w.count - 4), at: 0)
        return w.array
    }
}
