import Digests
import KafkaProtocol

/// Writing to a partition.
extension Partition {
    enum Appended: Equatable {
        case stored(baseOffset: Int64)
        /// It was there before (idempotent producers).
        case duplicate(baseOffset: Int64)
        case refused(KafkaError)
    }

    /// Appends a batch of a producer; offsets, leader epoch and perhaps the append time are
    /// written over, nothing else.
    func append(_ batch: ProducedBatch, wallClock: Int64) -> Appended {
        if batch.hasProducer && !batch.isControl {
            switch producers.check(
                batch.producerID, epoch: batch.producerEpoch, firstSequence: batch.baseSequence,
                lastSequence: batch.lastSequence)
            {
            case .append: break
            case .duplicate(let earlier): return .duplicate(baseOffset: earlier.baseOffset)
            case .outOfOrderSequence: return .refused(.outOfOrderSequenceNumber)
            case .invalidEpoch: return .refused(.invalidProducerEpoch)
            case .unknownProducer: return .refused(.unknownProducerId)
            }
        }
        let base = log.endOffset
        store(batch, base: base, wallClock: wallClock)
        if batch.hasProducer && !batch.isControl {
            producers.appended(
                .init(
                    firstSequence: batch.baseSequence, lastSequence: batch.lastSequence,
                    baseOffset: base, lastOffset: log.endOffset - 1),
                by: batch.producerID, epoch: batch.producerEpoch,
                transactional: batch.isTransactional)
        }
        return .stored(baseOffset: base)
    }

    private func store(_ batch: ProducedBatch, base: Int64, wallClock: Int64) {
        let appendTime = topic.settings.timestampType == .logAppendTime && !batch.isControl
        epochs.assign(leaderEpoch, startOffset: base)
        let copy = log.append(
            batch.bytes, base: base, last: base + Int64(batch.lastOffsetDelta),
            maxTimestamp: appendTime ? wallClock : batch.maxTimestamp, leaderEpoch: leaderEpoch)
        copy.storeBytes(of: base.bigEndian, as: Int64.self)
        copy.storeBytes(of: leaderEpoch.bigEndian, toByteOffset: 12, as: Int32.self)
        guard appendTime else { return }
        copy.storeBytes(of: (batch.attributes | 0x08).bigEndian, toByteOffset: 21, as: Int16.self)
        copy.storeBytes(of: wallClock.bigEndian, toByteOffset: 35, as: Int64.self)
        let crc = crc32c(UnsafeRawBufferPointer(rebasing: copy[ProducedBatch.checkedFrom...]))
        copy.storeBytes(of: crc.bigEndian, toByteOffset: 17, as: UInt32.self)
    }

    /// Appends the coordinator's marker; a transaction without records here leaves it alone too.
    func end(
        producerID: Int64, producerEpoch: Int16, committed: Bool, wallClock: Int64
    ) {
        let marker = controlBatch(
            producerID: producerID, producerEpoch: producerEpoch, committed: committed,
            timestamp: wallClock)
        let offset = log.endOffset
        marker.withUnsafeBytes { bytes in
            guard let batch = try? ProducedBatch(bytes) else {
                preconditionFailure("a marker of our own is well-formed")
            }
            store(batch, base: offset, wallClock: wallClock)
        }
        let start = producers.ended(producerID, epoch: producerEpoch)
        if let start, !committed {
            aborted.add(
                .init(producerID: producerID, firstOffset: start, lastOffset: offset))
        }
    }

    /// Deletes records from the front, as DeleteRecords and retention do.
    func deleteRecords(before offset: Int64) {
        log.deleteRecords(before: offset)
        startOffsetMoved()
    }

    func retain(bytes: Int) {
        guard log.byteCount > bytes else { return }
        log.retain(bytes: bytes)
        startOffsetMoved()
    }

    private func startOffsetMoved() {
        aborted.deleteEndingBefore(log.startOffset)
        producers.startOffsetMoved(to: log.startOffset)
    }

    /// What an unclean election does: everything from `offset` on is gone.
    func truncate(to offset: Int64) {
        log.truncate(to: offset)
        epochs.truncate(to: log.endOffset)
        aborted.truncate(to: log.endOffset)
        producers.truncate(to: log.endOffset)
    }
}
