import Bytes
import Compression
import KafkaMirror
import KafkaProtocol

// What the broker of the benchmark answers.
extension DecodeBenchmark {
    /// Batches as a producer of 100-byte values makes them, and where each begins.
    static func recordSet(_ codec: Codec) throws -> (bytes: [UInt8], places: [Int]) {
        var out = ByteWriter()
        var places: [Int] = []
        for batch in 0..<batches {
            places.append(out.count)
            var writer = RecordBatchWriter(
                RecordBatchHeader(baseOffset: Int64(batch * recordsPerBatch)))
            for number in 0..<recordsPerBatch {
                let text = Array("record \(number) of batch \(batch), ".utf8)
                let value = (0..<valueBytes).map { text[$0 % text.count] }
                writer.append(key: nil, value: value, timestamp: 1_700_000_000_000 + Int64(number))
            }
            writer.finish(
                &out, compressionCode: codec.rawValue,
                compress: { (try? codec.compress($0)) ?? [] })
        }
        return (out.array, places)
    }

    static func response(_ records: [UInt8], _ places: [Int]) -> ([UInt8], [Int]) {
        let partition = FetchResponse.Partition(
            partitionIndex: 0, highWatermark: .max, lastStableOffset: .max, logStartOffset: 0,
            records: KafkaBytes(offset: 0, count: records.count))
        let response = FetchResponse(
            responses: [FetchResponse.Topic(topic: "t", partitions: [partition])])
        let header = RequestHeader(apiKey: 1, apiVersion: 11, correlationID: 0, clientID: nil)
        let frame = frame(header) { writer in
            records.withUnsafeBytes { response.encode(&writer, version: 11, records: $0) }
        }
        let start = frame.count - records.count
        return (frame, places.map { $0 + start })
    }

    static func versions(_ header: RequestHeader) -> [UInt8] {
        let keys = [(1, 4, 11), (3, 4, 8), (18, 0, 4)].map {
            ApiVersionsResponse.Key(apiKey: $0.0, minVersion: $0.1, maxVersion: $0.2)
        }
        let response = ApiVersionsResponse(apiKeys: keys)
        return frame(header) { response.encode(&$0, version: header.apiVersion) }
    }

    static func metadata(_ header: RequestHeader) -> [UInt8] {
        let partition = MetadataResponse.Partition(
            partitionIndex: 0, leaderID: 1, leaderEpoch: 0)
        let response = MetadataResponse(
            brokers: [MetadataResponse.Broker(nodeID: 1, host: "b", port: 9092)],
            topics: [MetadataResponse.Topic(name: "t", partitions: [partition])])
        return frame(header) { response.encode(&$0, version: header.apiVersion) }
    }

    private static func frame(
        _ header: RequestHeader, _ body: (inout ByteWriter) -> Void
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.int32(0)
        let isFlexible =
            KafkaAPI.with(key: header.apiKey)?.hasFlexibleResponseHeader(version: header.apiVersion)
            ?? false
        ResponseHeader(correlationID: header.correlationID).encode(&writer, flexible: isFlexible)
        body(&writer)
        writer.patchInt32(Int32(writer.count - 4), at: 0)
        return writer.array
    }
}
