import Bytes
import KafkaMirror
import KafkaProtocol
import Testing

/// Read topic by topic, a metadata response is what it is when it is read at once.
@Suite struct MetadataCursorTests {
    private static let response = MetadataResponse(
        throttleTimeMilliseconds: 7,
        brokers: [.init(nodeID: 1, host: "one", port: 9_092, rack: "r"), .init(nodeID: 2)],
        clusterID: "cluster", controllerID: 2,
        topics: (0..<5).map { number in
            MetadataResponse.Topic(
                errorCode: Int16(number), name: "topic-\(number)",
                topicID: KafkaUUID(high: 1, low: UInt64(number)), isInternal: number == 3,
                partitions: (0..<Int32(number)).map {
                    .init(partitionIndex: $0, leaderID: 1, leaderEpoch: 4, isrNodes: [1, 2])
                })
        }, errorCode: 41)

    private func encoded(_ version: Int16) -> [UInt8] {
        var writer = ByteWriter()
        Self.response.encode(&writer, version: version)
        return writer.array
    }

    private func read(
        _ bytes: UnsafeRawBufferPointer, _ version: Int16
    ) throws(BytesError) -> MetadataResponse {
        var cursor = try MetadataCursor(ByteReader(bytes), version: version)
        var topics: [MetadataResponse.Topic] = []
        while let topic = try cursor.next(bytes) { topics.append(topic) }
        var response = cursor.response
        response.topics = topics
        return response
    }

    @Test("in every version", arguments: MetadataResponse.versions)
    func versions(_ version: Int16) throws {
        try encoded(version).withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let atOnce = try MetadataResponse.decode(&reader, version: version)
            #expect(try read(bytes, version) == atOnce)
            #expect(atOnce.topics.count == 5)
        }
    }

    @Test("what is cut short is an error at the same place", arguments: MetadataResponse.versions)
    func truncated(_ version: Int16) {
        encoded(version).withUnsafeBytes { bytes in
            for count in 0..<bytes.count {
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                var reader = ByteReader(part)
                var (atOnce, inPieces): (BytesError?, BytesError?)
                do throws(BytesError) {
                    _ = try MetadataResponse.decode(&reader, version: version)
                } catch { atOnce = error }
                do throws(BytesError) { _ = try read(part, version) } catch { inPieces = error }
                #expect(atOnce != nil && atOnce == inPieces, "\(count) bytes")
            }
        }
    }
}
