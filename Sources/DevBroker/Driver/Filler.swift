import Compression
import Timing

/// Fills a topic before anybody reads it: values are "TOPIC-OFFSET " and dots.
public struct Filler {
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
        if bytes.count < size {
            bytes.append(
                contentsOf: repeatElement(UInt8(ascii: "."), count: size - bytes.count))
        }
        return bytes
    }
}
