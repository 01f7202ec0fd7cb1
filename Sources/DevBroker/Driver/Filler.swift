import Compression
import Timing

/// Fills a topic before anybody reads it: values are "TOPIC-OFFSET ", then dots or words.
public struct Filler {
    /// Words compress about as log lines do, to a third; dots to nothing.
    public enum Content: String, CaseIterable, Sendable { case dots, words }

    public var content = Content.dots
    /// Bytes of records in a batch, as producers' `batch.size` has it.
    public var batchBytes = 16_384
    public var codec = Codec.none

    public init() {}

    /// Spreads `count` records over the partitions of a topic, each with a value of `size` bytes
    /// (or as many as the beginning needs).
    public func fill(
        _ topic: String, count: Int, size: Int, in cluster: BrokerCluster, now: Instant
    ) throws(CompressionError) {
        guard let partitions = cluster.partitionCount(topic) else { return }
        let perBatch = max(1, batchBytes / (size + 12))
        for partition in 0..<partitions {
            let share = count / Int(partitions) + (Int(partition) < count % Int(partitions) ? 1 : 0)
            for first in stride(from: 0, to: share, by: perBatch) {
                let records = (first..<min(first + perBatch, share)).map {
                    DevRecord(value: value(topic, $0, size))
                }
                try cluster.append(topic, partition: partition, records, codec: codec, now: now)
            }
        }
    }

    private func value(_ topic: String, _ offset: Int, _ size: Int) -> [UInt8] {
        var bytes = Array("\(topic)-\(offset) ".utf8)
        guard bytes.count < size else { return bytes }
        switch content {
        case .dots:
            bytes.append(
                contentsOf: repeatElement(UInt8(ascii: "."), count: size - bytes.count))
        case .words:
            bytes.reserveCapacity(size)
            var random = SeededRandom(seed: UInt64(offset))
            while bytes.count < size {
                // Numbers of four digits, most of them seen a short while ago.
                let number = random.next() % 4 == 0 ? random.next() % 9_000 : random.next() % 60
                bytes += "\(1_000 + number) ".utf8
            }
            bytes.removeLast(bytes.count - size)
        }
        return bytes
    }
}
