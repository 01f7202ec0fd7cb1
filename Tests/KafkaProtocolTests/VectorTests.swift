import Bytes
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs
import Testing

@Suite struct VectorTests {
    /// Exchanges in the files of each release; a reader that finds fewer reads nothing.
    static let exchanges = ["2.1.1": 1400, "2.8.0": 1092, "3.9.1": 1067, "4.1.1": 1120]

    @Test(arguments: Vector.brokers) func everyFileIsRead(broker: String) {
        #expect(Vector.all(broker: broker).count == Self.exchanges[broker])
    }

    @Test(arguments: Vector.brokers) func requestsAreReadAndWrittenAgain(broker: String) throws {
        var read = 0
        var written = 0
        for vector in Vector.all(broker: broker) {
            guard let key = vector.apiKey, let codec = MessageCodec(key: key, isRequest: true),
                codec.decodes(vector.apiVersion)
            else { continue }
            try vector.request.withUnsafeBytes { frame in
                var r = ByteReader(frame)
                let header = try RequestHeader.decode(&r)
                #expect(header.apiKey == key && header.apiVersion == vector.apiVersion)
                #expect(header.correlationID == vector.correlationID)
                var body = UnsafeRawBufferPointer(rebasing: frame[r.position...])
                if isTooLong(body, header) {
                    body = UnsafeRawBufferPointer(rebasing: body.prefix(4))
                }
                guard let message = decode(codec, body, vector.apiVersion, vector) else { return }
                read += 1
                guard codec.encodes(vector.apiVersion) else { return }
                written += 1
                let again = message.encoded(version: vector.apiVersion, records: body)
                #expect(again == [UInt8](body), "\(vector.place)")
                var w = ByteWriter()
                header.encode(&w, flexible: vector.apiVersion >= codec.type.flexibleFrom)
                #expect(w.array == [UInt8](frame[..<r.position]), "\(vector.place)")
            }
        }
        #expect(read > 900 && written > 800, "\(read) read, \(written) written")
    }

    @Test(arguments: Vector.brokers) func responsesAreReadAndWrittenAgain(broker: String) throws {
        var read = 0
        var refused = 0
        for vector in Vector.all(broker: broker) {
            guard let key = vector.apiKey, let frame = vector.response,
                let codec = MessageCodec(key: key, isRequest: false)
            else { continue }
            var version = vector.apiVersion
            if key == ApiVersionsRequest.apiKey, isRefusal(frame) {
                // A refused version is answered in the form of version 0.
                version = 0
                refused += 1
            }
            guard codec.decodes(version) else { continue }
            try frame.withUnsafeBytes { frame in
                let start = try codec.bodyStart(frame, version: version)
                let body = UnsafeRawBufferPointer(rebasing: frame[start...])
                guard let message = decode(codec, body, version, vector) else { return }
                read += 1
                let again = message.encoded(version: version, records: body)
                #expect(again == [UInt8](body), "\(vector.place)")
            }
        }
        #expect(read > 900, "\(read) read")
        #expect((refused > 0) == (broker != "4.1.1"))
    }

    private func decode(
        _ codec: MessageCodec, _ body: UnsafeRawBufferPointer, _ version: Int16, _ vector: Vector
    ) -> (any CodecMessage)? {
        do {
            return try codec.decode(body, version: version)
        } catch {
            Issue.record("\(vector.place): \(codec.type) \(version): \(error)")
            return nil
        }
    }

    /// librdkafka asks for all topics with a count of four bytes where one belongs.
    private func isTooLong(_ body: UnsafeRawBufferPointer, _ header: RequestHeader) -> Bool {
        header.apiKey == MetadataRequest.apiKey && header.apiVersion >= 11
            && [UInt8](body) == [UInt8](repeating: 0, count: 7)
    }

    private func isRefusal(_ frame: [UInt8]) -> Bool { frame.count >= 6 && frame[5] == 35 }
}
