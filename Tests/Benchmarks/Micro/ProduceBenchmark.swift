import Bytes
import Compression
import KafkaProtocol

/// Batches of 100-byte records as a producer builds them: every record is appended by itself, with
/// the question for its size first; sealing makes the checksum, and compresses.
struct ProduceBenchmark: ~Copyable {
    static let valueBytes = 100
    static let batchBytes = 1 << 20

    private var compressor: Compressor
    private let spares = SpareBlocks(bytesMax: 32 << 20)
    private let values: [UInt8]
    private(set) var appendNanoseconds: UInt64 = 0
    private(set) var sealNanoseconds: UInt64 = 0
    private(set) var records = 0
    private(set) var bytes = 0

    init(_ codec: Codec) throws {
        compressor = try Compressor(codec)
        // Lines of a log: half of it is the same in each.
        values = (0..<10_000).flatMap { number in
            let text = "GET /v1/items/\(number &* 7919 % 100_000)?page=\(number % 97) 200 "
            return Array(text.utf8.prefix(Self.valueBytes))
                + (text.utf8.count..<Self.valueBytes).map { UInt8(97 + ($0 &* number) % 23) }
        }
    }

    mutating func batch() {
        let start = threadNanoseconds()
        var writer = RecordBatchWriter(capacity: Self.batchBytes, spares: spares)
        values.withUnsafeBytes { values in
            var at = 0
            while true {
                let value = UnsafeRawBufferPointer(rebasing: values[at..<at + Self.valueBytes])
                let time = 1_700_000_000_000 + Int64(writer.recordCount >> 6)
                let size = writer.byteCount(ofKey: nil, value: value.count, timestamp: time)
                guard writer.byteCount + size <= Self.batchBytes - RecordBatchHeader.byteCount
                else { break }
                writer.appendRaw(key: nil, value: value, timestamp: time)
                at += Self.valueBytes
                if at == values.count { at = 0 }
            }
        }
        let sealing = threadNanoseconds()
        let stamp = ProducerStamp(producerID: 1, producerEpoch: 0, baseSequence: 0)
        let batch = writer.seal(stamp, &compressor)
        sealNanoseconds += threadNanoseconds() - sealing
        appendNanoseconds += sealing - start
        records += batch.recordCount
        bytes += batch.byteCount
    }
}

/// The median of five rounds.
func produce(_ names: [String]) throws {
    for codec in Codec.allCases
    where codec.isAvailable && (names.isEmpty || names.contains(codec.name)) {
        var benchmark = try ProduceBenchmark(codec)
        for _ in 0..<4 { benchmark.batch() }
        var rounds: [(append: Double, seal: Double)] = []
        for _ in 0..<5 {
            let before = (
                benchmark.appendNanoseconds, benchmark.sealNanoseconds, benchmark.records
            )
            for _ in 0..<20 { benchmark.batch() }
            let records = Double(benchmark.records - before.2)
            rounds.append(
                (
                    Double(benchmark.appendNanoseconds - before.0) / records,
                    Double(benchmark.sealNanoseconds - before.1) / records
                ))
        }
        let append = rounds.map(\.append).sorted()[2]
        let seal = rounds.map(\.seal).sorted()[2]
        let size = Double(benchmark.bytes) / Double(benchmark.records)
        print(
            "produce \(codec.name): \(tenths(append)) ns a record to append,",
            "\(tenths(seal)) to seal; \(tenths(size)) bytes a record")
    }
}

private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
