import Bytes
import Compression
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing

/// A batch as a producer sends it.
func batch(
    _ values: [String], producer: DevProducer? = nil, change: (inout [UInt8]) -> Void = { _ in }
) -> [UInt8] {
    var header = RecordBatchHeader()
    if let producer {
        header.producerID = producer.id
        header.producerEpoch = producer.epoch
        header.baseSequence = producer.sequence
        if producer.isTransactional { header.attributes |= 0x10 }
    }
    var writer = RecordBatchWriter(header)
    for value in values { writer.append(key: nil, value: Array(value.utf8), timestamp: 1000) }
    var output = ByteWriter()
    writer.finish(&output)
    var bytes = output.array
    change(&bytes)
    return bytes
}

extension BenchClient {
    /// One batch to one partition. The encoder takes the records beside the request.
    func sendProduce(
        _ topic: String, partition: Int32 = 0, _ records: [UInt8], acks: Int16 = -1,
        transactionalID: String? = nil, version: Int16 = 11
    ) {
        let request = ProduceRequest(
            transactionalID: transactionalID, acks: acks, timeoutMilliseconds: 1000,
            topicData: [
                .init(
                    name: version >= 13 ? "" : topic,
                    topicID: version >= 13 ? bench.cluster.topicID(topic) ?? .zero : .zero,
                    partitionData: [
                        .init(
                            index: partition,
                            records: KafkaBytes(offset: 0, count: records.count))
                    ])
            ])
        var writer = ByteWriter()
        RequestHeader(apiKey: 0, apiVersion: version, correlationID: 9, clientID: "p").encode(
            &writer, flexible: version >= ProduceRequest.flexibleFrom)
        records.withUnsafeBytes { request.encode(&writer, version: version, records: $0) }
        send(frame: writer.array)
    }

    func produce(
        _ topic: String, partition: Int32 = 0, _ records: [UInt8], acks: Int16 = -1,
        transactionalID: String? = nil, version: Int16 = 11
    ) throws -> ProduceResponse.Partition {
        sendProduce(
            topic, partition: partition, records, acks: acks, transactionalID: transactionalID,
            version: version)
        let answer = try answer(ProduceResponse.self, version: version)
        return try #require(answer.responses.first?.partitionResponses.first)
    }
}

@Suite struct ProduceTests {
    private func bench() throws -> (Bench, BenchClient) {
        let bench = Bench()
        bench.cluster.createTopic("t")
        return (bench, try bench.client())
    }

    @Test("offsets and leader epoch are written over, nothing else", arguments: [3, 7, 9, 11, 13])
    func stored(_ version: Int) throws {
        let (bench, client) = try bench()
        let sent = batch(["a", "b", "c"])
        #expect(try client.produce("t", sent, version: Int16(version)).baseOffset == 0)
        #expect(try client.produce("t", sent, version: Int16(version)).baseOffset == 3)
        let bytes = try #require(bench.cluster.storedBytes("t"))
        #expect(bytes.count == 2 * sent.count)
        #expect(Array(bytes[16..<sent.count]) == Array(sent[16...]))
        #expect(bytes[sent.count + 7] == 3)
        #expect(Array(bytes[12..<16]) == [0, 0, 0, 0])
    }

    @Test("what a broker refuses")
    func refused() throws {
        let (bench, client) = try bench()
        func code(_ change: @escaping (inout [UInt8]) -> Void) throws -> Int16 {
            try client.produce("t", batch(["a", "b"], change: change)).errorCode
        }
        #expect(try code { $0[60] ^= 1 } == 2)  // record count: the checksum covers it
        #expect(try code { $0[70] ^= 1 } == 2)
        #expect(try code { $0[16] = 1 } == 43)
        #expect(try code { $0[8] = 0x7f } == 2)
        #expect(try code { $0.removeLast() } == 2)
        #expect(try code { $0 += $0 } == 87)
        #expect(try code { $0 = [] } == 2)
        #expect(try client.produce("x", batch(["a"])).errorCode == 3)
        #expect(try client.produce("t", partition: 1, batch(["a"])).errorCode == 3)
        #expect(try client.produce("t", [UInt8](repeating: 0, count: 5)).errorCode == 2)
        #expect(bench.cluster.logEnd("t") == 0)
        #expect(bench.hungUp.isEmpty)
    }

    @Test("acks 0: no answer, but a closed connection for an error")
    func acksZero() throws {
        let (bench, client) = try bench()
        client.sendProduce("t", batch(["a"]), acks: 0)
        #expect(client.waitingFrames == 0)
        #expect(bench.cluster.logEnd("t") == 1)
        #expect(!client.isHungUp)
        client.sendProduce("x", batch(["a"]), acks: 0)
        #expect(client.isHungUp)
    }

    @Test("idempotence: a batch that comes again is kept once, a gap is refused")
    func idempotent() throws {
        let (bench, client) = try bench()
        func produce(_ sequence: Int32, _ epoch: Int16 = 0) throws -> (Int16, Int64) {
            let producer = DevProducer(id: 7, epoch: epoch, sequence: sequence)
            let answer = try client.produce("t", batch(["a", "b"], producer: producer))
            return (answer.errorCode, answer.baseOffset)
        }
        #expect(try produce(0) == (0, 0))
        #expect(try produce(2) == (0, 2))
        #expect(try produce(0) == (0, 0))
        #expect(try produce(2) == (0, 2))
        #expect(try produce(6) == (45, -1))
        #expect(try produce(4) == (0, 4))
        // Five batches are remembered.
        for sequence in stride(from: Int32(6), to: 14, by: 2) {
            #expect(try produce(sequence).0 == 0)
        }
        #expect(try produce(2).0 == 45)
        #expect(try produce(6) == (0, 6))
        // A new epoch begins at 0, the old one is over.
        #expect(try produce(4, 1) == (45, -1))
        #expect(try produce(0, 1) == (0, 14))
        #expect(try produce(14, 0) == (47, -1))
        #expect(bench.cluster.logEnd("t") == 16)
    }

    @Test("sequences wrap behind the largest int32")
    func wrap() throws {
        let (_, client) = try bench()
        func produce(_ sequence: Int32) throws -> Int16 {
            try client.produce(
                "t", batch(["a", "b"], producer: DevProducer(id: 7, sequence: sequence))
            ).errorCode
        }
        #expect(try produce(.max - 1) == 0)
        #expect(try produce(0) == 0)
        #expect(try produce(1) == 45)
    }

    @Test("LogAppendTime: the broker's time counts, under a good checksum")
    func appendTime() throws {
        let bench = Bench()
        bench.cluster.createTopic("t", settings: .logAppendTime())
        let client = try bench.client()
        let answer = try client.produce("t", batch(["a"]))
        #expect(answer.logAppendTimeMilliseconds == 1_700_000_001_000)
        let bytes = try #require(bench.cluster.storedBytes("t"))
        try bytes.withUnsafeBytes { raw in
            var reader = RecordSetReader(raw)
            let stored = try #require(try reader.next())
            try stored.verifyChecksum()
            #expect(stored.header.isLogAppendTime)
            #expect(stored.header.maxTimestamp == 1_700_000_001_000)
        }
    }

    @Test("retention deletes the oldest batches")
    func retention() throws {
        let bench = Bench { $0.retentionBytes = 10_000 }
        bench.cluster.createTopic("t")
        for base in stride(from: 0, to: 2000, by: 10) {
            try bench.cluster.append("t", numbered(base..<base + 10, size: 50), now: bench.now)
        }
        let start = try #require(bench.cluster.logStart("t"))
        #expect(start > 1500 && start < 2000 && start % 10 == 0)
        #expect(try #require(bench.cluster.storedBytes("t")).count <= 10_000)
        let client = try bench.client()
        let first = try client.fetch(.init(topic: "t", offset: start)).batches().first
        #expect(first == start...start + 9)
        #expect(try client.fetch(.init(topic: "t", offset: start - 1)).first.errorCode == 1)
    }
}
