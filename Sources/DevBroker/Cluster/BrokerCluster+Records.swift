import Bytes
import Compression
import KafkaProtocol
import Timing

/// Records without a client: what tests write, and what happens to logs. Methods that answer an
/// optional answer nil without such a topic or partition.
extension BrokerCluster {
    /// Writes one batch; answers the offset of its first record.
    @discardableResult
    public func append(
        _ topic: String, partition: Int32 = 0, _ records: [DevRecord], codec: Codec = .none,
        options: CompressionOptions = CompressionOptions(), producer: DevProducer? = nil,
        now: Instant
    ) throws(CompressionError) -> Int64? {
        guard let partition = topics[topic]?.partition(partition), !records.isEmpty else {
            return nil
        }
        let bytes = try batch(records, codec, options, producer, wallClock(now))
        return append(bytes, to: partition, now: now)
    }

    /// Writes a batch that somebody else has built, as Produce does; nil also if it is not good.
    @discardableResult
    public func append(
        _ topic: String, partition: Int32 = 0, batch: [UInt8], now: Instant
    ) -> Int64? {
        guard let partition = topics[topic]?.partition(partition) else { return nil }
        return append(batch, to: partition, now: now)
    }

    /// Stores bytes as they are, good or bad, as the batch of the offsets `base...last`, which
    /// must not be below the log's end: damaged batches, old formats, gaps.
    @discardableResult
    public func store(
        _ topic: String, _ partition: Int32 = 0, bytes: [UInt8], base: Int64, last: Int64,
        maxTimestamp: Int64 = -1, now: Instant
    ) -> Bool {
        guard let partition = topics[topic]?.partition(partition), base >= partition.log.endOffset,
            last >= base
        else { return false }
        partition.epochs.assign(partition.leaderEpoch, startOffset: base)
        bytes.withUnsafeBytes {
            _ = partition.log.append(
                $0, base: base, last: last, maxTimestamp: maxTimestamp,
                leaderEpoch: partition.leaderEpoch)
        }
        appended(to: partition)
        settle(now: now)
        return true
    }

    /// Writes the marker that ends a producer's transaction in one partition.
    @discardableResult
    public func endTransaction(
        _ topic: String, _ partition: Int32 = 0, producer: DevProducer, committed: Bool,
        now: Instant
    ) -> Bool {
        guard let partition = topics[topic]?.partition(partition) else { return false }
        partition.end(
            producerID: producer.id, producerEpoch: producer.epoch, committed: committed,
            wallClock: wallClock(now))
        wake(partition)
        settle(now: now)
        return true
    }

    /// Deletes the records below `offset`.
    public func deleteRecords(_ topic: String, _ partition: Int32 = 0, before offset: Int64) {
        topics[topic]?.partition(partition)?.deleteRecords(before: offset)
    }

    /// Keeps the high watermark at `offset`, as slow followers do; nil lets it go.
    public func holdHighWatermark(
        _ topic: String, _ partition: Int32 = 0, at offset: Int64?, now: Instant
    ) {
        guard let partition = topics[topic]?.partition(partition) else { return }
        partition.heldHighWatermark = offset
        wake(partition)
        settle(now: now)
    }

    /// Compacts a partition's log, its newest batch too.
    public func compact(_ topic: String, _ partition: Int32 = 0) throws(CompressionError) {
        try topics[topic]?.partition(partition)?.compact()
    }

    public func partitionCount(_ topic: String) -> Int32? {
        topics[topic].map { Int32($0.partitions.count) }
    }

    public func logStart(_ topic: String, _ partition: Int32 = 0) -> Int64? {
        topics[topic]?.partition(partition)?.log.startOffset
    }

    public func logEnd(_ topic: String, _ partition: Int32 = 0) -> Int64? {
        topics[topic]?.partition(partition)?.log.endOffset
    }

    public func highWatermark(_ topic: String, _ partition: Int32 = 0) -> Int64? {
        topics[topic]?.partition(partition)?.highWatermark
    }

    public func lastStableOffset(_ topic: String, _ partition: Int32 = 0) -> Int64? {
        topics[topic]?.partition(partition)?.lastStableOffset
    }

    /// The stored bytes of all batches.
    public func storedBytes(_ topic: String, _ partition: Int32 = 0) -> [UInt8]? {
        guard let log = topics[topic]?.partition(partition)?.log else { return nil }
        return log.batches[log.firstBatch...].flatMap { [UInt8](log.bytes(of: $0)) }
    }

    private func append(_ bytes: [UInt8], to partition: Partition, now: Instant) -> Int64? {
        let result = bytes.withUnsafeBytes { raw -> Partition.Appended in
            do throws(KafkaError) {
                return partition.append(try ProducedBatch(raw), wallClock: wallClock(now))
            } catch {
                return .refused(error)
            }
        }
        appended(to: partition)
        settle(now: now)
        switch result {
        case .stored(let offset), .duplicate(let offset): return offset
        case .refused: return nil
        }
    }

    private func batch(
        _ records: [DevRecord], _ codec: Codec, _ options: CompressionOptions,
        _ producer: DevProducer?, _ wallClock: Int64
    ) throws(CompressionError) -> [UInt8] {
        var header = RecordBatchHeader()
        if let producer {
            header.producerID = producer.id
            header.producerEpoch = producer.epoch
            header.baseSequence = producer.sequence
            if producer.isTransactional { header.attributes |= 0x10 }
        }
        var writer = RecordBatchWriter(header)
        for record in records {
            writer.append(
                key: record.key, value: record.value,
                headers: record.headers.map { ($0.name, $0.value) },
                timestamp: record.timestamp ?? wallClock)
        }
        return try writer.finished(codec, options)
    }
}

extension RecordBatchWriter {
    /// The batch with its records compressed.
    mutating func finished(
        _ codec: Codec, _ options: CompressionOptions, lastOffsetDelta: Int32? = nil
    ) throws(CompressionError) -> [UInt8] {
        var output = ByteWriter()
        var failure: CompressionError?
        finish(&output, lastOffsetDelta: lastOffsetDelta, compressionCode: codec.rawValue) {
            bytes in
            do throws(CompressionError) {
                return try codec.compress(bytes, options)
            } catch {
                failure = error
                return []
            }
        }
        if let failure { throw failure }
        return output.array
    }
}
