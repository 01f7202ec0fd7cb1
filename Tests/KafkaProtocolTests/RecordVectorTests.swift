import Bytes
import KafkaProtocol
import KafkaTestCodecs
import Testing

/// The record sets that real brokers sent.
@Suite struct RecordVectorTests {
    struct Tally: Equatable {
        /// Batches by compression: none, gzip, snappy, lz4, zstd.
        var codecs = [0, 0, 0, 0, 0]
        /// Entries by format.
        var magics = [0, 0, 0]
        var control = 0
        var cut = 0
        var records = 0
    }

    @Test(arguments: Vector.brokers) func everyRecordSetIsRead(broker: String) throws {
        var tally = Tally()
        for vector in Vector.all(broker: broker) where vector.apiKey == FetchRequest.apiKey {
            guard let frame = vector.response,
                FetchResponse.versions.contains(vector.apiVersion)
            else { continue }
            try frame.withUnsafeBytes { frame in
                var r = ByteReader(frame)
                let flexible = FetchResponse.hasFlexibleHeader(version: vector.apiVersion)
                _ = try ResponseHeader.decode(&r, flexible: flexible)
                let response = try FetchResponse.decode(&r, version: vector.apiVersion)
                for partition in response.responses.flatMap(\.partitions) {
                    guard let bytes = partition.records?.bytes(of: frame) else { continue }
                    do {
                        count(try RecordSet(bytes), partition, &tally)
                    } catch {
                        Issue.record("\(vector.place): \(error)")
                    }
                }
            }
        }
        #expect(tally == Self.expected[broker])
    }

    private func count(
        _ set: RecordSet, _ partition: FetchResponse.Partition, _ tally: inout Tally
    ) {
        tally.cut += set.isCut ? 1 : 0
        var last: Int64 = -1
        for entry in set.entries {
            tally.codecs[entry.header.compressionCode] += 1
            tally.magics[Int(entry.header.magic)] += 1
            tally.control += entry.header.isControl ? 1 : 0
            tally.records += entry.header.isControl ? 0 : entry.records.count
            for record in entry.records {
                #expect(record.offset > last)
                last = record.offset
            }
            #expect(last <= entry.header.lastOffset && last < partition.highWatermark)
        }
    }

    /// What kafka-python finds in the same frames (`Tests/check-protocol` reads them with it).
    static let expected = [
        "2.1.1": Tally(
            codecs: [346, 35, 7, 21, 7], magics: [113, 50, 253], control: 37, cut: 1,
            records: 6201),
        "2.8.0": Tally(
            codecs: [215, 3, 3, 3, 3], magics: [0, 0, 227], control: 37, cut: 1, records: 2361),
        "3.9.1": Tally(
            codecs: [252, 21, 3, 3, 7], magics: [0, 0, 286], control: 37, cut: 1, records: 6364),
        "4.1.1": Tally(
            codecs: [250, 5, 3, 3, 3], magics: [0, 0, 264], control: 37, cut: 1, records: 2642),
    ]
}
