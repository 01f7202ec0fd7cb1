import Bytes
import Compression
import KafkaProtocol
import PubSubProtocol

/// Turns the records of one partition of a response into runs of the cache, in steps: a batch of a
/// megabyte may hold a hundred of them.
final class RunBuilder {
    enum Step {
        /// The budget is used up.
        case more
        /// The batch that follows is decompressed in steps: its bytes must stay where they are.
        case needsOwnBytes
        case done
    }

    /// Why decoding stopped in front of `offset`.
    struct Failure {
        var offset: Int64
        var failure: KafkaFailure
    }

    let log: PartitionLog
    let fetchOffset: Int64
    /// nil: read uncommitted, so that nothing is known about transactions.
    private var aborted: AbortedTransactions?
    private unowned let cache: LogCache
    private let region: KafkaBytes
    /// Bytes of the region that were read as whole batches.
    private var consumed = 0
    private var run: RecordRun?
    private var batch: BatchInWork?

    /// Everything from `fetchOffset` up to here is in the cache now, or was.
    private(set) var coveredTo: Int64
    private(set) var failure: Failure?
    /// The size of a batch that did not fit, where nothing else came: ask for so much.
    private(set) var cutBatchBytes = 0
    private(set) var recordCount = 0
    private(set) var byteCount = 0
    /// Called when a run of several was handed over to the cache.
    var onFlush: (() -> Void)?

    private struct BatchInWork {
        var header: RecordBatchHeader
        /// With the header, as it lies in the response.
        var byteCount: Int
        var nextOffset: Int64
        var facts: TransactionFacts
        var keepFrom: Int64
        var isDecompressing: Bool
        var reader = BatchReader.none
    }

    init(
        log: PartitionLog, cache: LogCache, fetchOffset: Int64, region: KafkaBytes,
        aborted: AbortedTransactions?
    ) {
        self.log = log
        self.cache = cache
        self.fetchOffset = fetchOffset
        self.region = region
        self.aborted = aborted
        coveredTo = fetchOffset
    }

    /// Decodes about `budget` bytes of output. `ownsBytes`: `frame` is the same at the next step;
    /// else a batch that was begun is finished, however long that takes: its reader points there.
    func step(
        frame: UnsafeRawBufferPointer, ownsBytes: Bool, budget: inout Int,
        _ bench: inout DecodingBench
    ) -> Step {
        guard let records = region.bytes(of: frame) else { return finish() }
        do {
            while true {
                if batch != nil {
                    if try !work(&budget, &bench, mayStop: ownsBytes) { return .more }
                } else if budget <= 0 {
                    return .more
                } else {
                    let rest = UnsafeRawBufferPointer(rebasing: records[consumed...])
                    guard let next = try nextBatch(rest) else { return finish() }
                    if next.header.compressionCode != 0 && !ownsBytes { return .needsOwnBytes }
                    consumed += next.bytes.count
                    try begin(next, &bench)
                }
            }
        } catch {
            failure = Failure(offset: coveredTo, failure: error)
            batch = nil
            return finish()
        }
    }

    private func finish() -> Step {
        flush()
        return .done
    }

    private func nextBatch(
        _ rest: UnsafeRawBufferPointer
    ) throws(KafkaFailure) -> RecordBatch? {
        var set = RecordSetReader(rest)
        do {
            if let batch = try set.next() { return batch }
        } catch {
            throw unreadable(error)
        }
        if set.isCut, consumed == 0 { cutBatchBytes = set.entryByteCount ?? rest.count * 2 }
        return nil
    }

    // MARK: One batch

    private func begin(_ next: RecordBatch, _ bench: inout DecodingBench) throws(KafkaFailure) {
        let header = next.header
        // The broker's log has them in one file with what was asked for; skip just this one.
        if let after = next.nextOffset, after <= coveredTo { return }
        do {
            try next.verifyChecksum()
            if header.isControl { return try pass(next) }
        } catch {
            throw unreadable(error)
        }
        var work = BatchInWork(
            header: header, byteCount: next.bytes.count,
            nextOffset: next.nextOffset ?? coveredTo,
            facts: facts(header), keepFrom: keepFrom(next), isDecompressing: false)
        prepareRun(base: work.keepFrom)
        makeReachable(header)
        if header.compressionCode == 0 {
            work.reader = try reader(header, next.payload)
            reserve(work)
        } else {
            do {
                try bench.begin(header.compressionCode, next.payload)
            } catch {
                throw undecompressable(error)
            }
            work.isDecompressing = true
        }
        batch = work
    }

    /// Control batches end transactions and count in the offsets; they are never delivered.
    private func pass(_ batch: RecordBatch) throws(RecordError) {
        if try batch.controlMarker() == .abort { aborted?.abortEnded(batch.header) }
        prepareRun(base: coveredTo)
        cover(to: batch.header.nextOffset, epoch: batch.header.partitionLeaderEpoch)
    }

    private func facts(_ header: RecordBatchHeader) -> TransactionFacts {
        guard header.isTransactional else { return .plain }
        guard let aborted else { return .unknown }
        return aborted.isAborted(header) ? .aborted : .committed
    }

    /// A fetch starts with the batch that holds the offset, so records before it come along. They
    /// are kept for others, unless the cache has them or there are too many.
    private func keepFrom(_ batch: RecordBatch) -> Int64 {
        let base = batch.header.baseOffset
        guard coveredTo == fetchOffset, run == nil, base < fetchOffset, !batch.isLegacy,
            batch.bytes.count <= LogCache.runBytesMax, log.run(endingAt: fetchOffset) == nil
        else { return coveredTo }
        return max(base, log.logStartOffset, 0)
    }

    private func reader(
        _ header: RecordBatchHeader, _ payload: UnsafeRawBufferPointer
    ) throws(KafkaFailure) -> BatchReader {
        do {
            return header.magic >= 2
                ? .records(RecordReader(header, payload: payload))
                : .legacy(try LegacyRecordReader(header, payload: payload))
        } catch {
            throw unreadable(error)
        }
    }

    /// Works on the batch; false when the budget is used up before its end.
    private func work(
        _ budget: inout Int, _ bench: inout DecodingBench, mayStop: Bool
    ) throws(KafkaFailure) -> Bool {
        guard var work = batch else { return true }
        if work.isDecompressing {
            do {
                guard try bench.step(&budget) else { return false }
            } catch {
                throw undecompressable(error)
            }
            work.isDecompressing = false
            work.reader = try reader(work.header, bench.output)
            reserve(work)
            batch = work
        }
        let isDone = try transcode(&work, &budget, mayStop: mayStop)
        batch = isDone ? nil : work
        return isDone
    }

    /// Whether the batch's end is reached.
    private func transcode(
        _ work: inout BatchInWork, _ budget: inout Int, mayStop: Bool
    ) throws(KafkaFailure) -> Bool {
        while true {
            guard let run else { preconditionFailure("records without a run") }
            run.beginSegment(work.facts)
            let before = (bytes: run.bytes.count, records: run.recordCount)
            let share = mayStop ? max(budget, 1) : LogCache.runBytesMax
            let limit = min(LogCache.runBytesMax, before.bytes + share)
            let end = transcodeRecords(
                &work.reader, from: max(work.keepFrom, run.next), header: work.header,
                base: run.base, bytesMax: limit, &run.bytes, &run.index)
            byteCount += run.bytes.count - before.bytes
            recordCount += run.recordCount - before.records
            budget -= run.bytes.count - before.bytes
            switch end {
            case .failed(let error):
                coverRecords(of: run)
                throw unreadable(error)
            case .end:
                let last = run.recordCount > 0 ? run.offset(ofRecord: run.recordCount - 1) + 1 : 0
                cover(
                    to: max(work.nextOffset, last, coveredTo),
                    epoch: work.header.partitionLeaderEpoch)
                return true
            case .full:
                coverRecords(of: run)
                if run.bytes.count >= LogCache.runBytesMax {
                    flush()
                    prepareRun(base: coveredTo)
                    reserve(work)
                }
                if mayStop && budget <= 0 { return false }
            }
        }
    }

    // MARK: The run in work

    private func prepareRun(base: Int64) {
        if run == nil { run = RecordRun(base: base) }
    }

    /// The index holds distances of 32 bits from a run's base; a topic that lost most of its
    /// records to compaction has larger gaps.
    private func makeReachable(_ header: RecordBatchHeader) {
        guard let run, header.lastOffset - run.base >= RecordRun.offsetSpanMax else { return }
        cover(to: header.baseOffset, epoch: -1)
        flush()
        prepareRun(base: coveredTo)
    }

    /// Room for the rest of a batch and, where the run begins with it, for what follows in the
    /// response: it is taken for the same.
    private func reserve(_ work: BatchInWork) {
        guard let run else { return }
        let (payloadBytes, records) = work.reader.left
        let growth = KafkaMessageWriter.growth(
            offset: work.nextOffset, timestamp: work.header.maxTimestamp)
        let expected = payloadBytes + records * growth
        guard expected > 0 else { return }
        let most = LogCache.runBytesMax + LogCache.runBytesMax / 64
        // The batch itself counts as consumed already.
        let ahead = (region.count - consumed) / work.byteCount
        let whole = min(expected * (ahead + 1), most)
        // A record is a little shorter than expected; an index that grows is copied.
        let fitting = min(records * (ahead + 1), records * whole / expected * 9 / 8)
        run.prepare(bytes: whole, records: fitting + 1, from: cache.spares)
        let (bytes, room) = (run.bytes.count, max(most - run.bytes.count, 0))
        let needed = min(expected, room)
        if needed > run.bytes.room {
            run.bytes.reserve(capacity: min(max(bytes + needed, 2 * bytes), most))
        }
        run.index.reserve(records * needed / expected + 1)
    }

    /// The records so far are whole: nothing lies between the last of them and what follows.
    private func coverRecords(of run: RecordRun) {
        guard run.recordCount > 0 else { return }
        let next = run.offset(ofRecord: run.recordCount - 1) + 1
        if next > run.next { run.cover(to: next) }
        coveredTo = max(coveredTo, next)
    }

    private func cover(to offset: Int64, epoch: Int32) {
        guard let run else { return }
        if offset > run.next { run.cover(to: offset) }
        if epoch >= 0 { run.leaderEpoch = epoch }
        coveredTo = max(coveredTo, offset)
    }

    /// Hands the run over to the cache.
    private func flush() {
        guard let run else { return }
        self.run = nil
        cache.insert(run, into: log)
        onFlush?()
    }

    // MARK: Failures

    private func unreadable(_ error: RecordError) -> KafkaFailure {
        let code =
            switch error.reason {
            case .unknownCodec: KafkaError.unsupportedCompressionType
            default: KafkaError.corruptMessage
            }
        return KafkaFailure(
            kind: .corrupt, code: code.rawValue, text: code.name,
            cause: "\(log.topic)-\(log.partition) at offset \(coveredTo): \(error)")
    }

    private func undecompressable(_ error: CompressionError) -> KafkaFailure {
        .undecompressable(
            error, place: "\(log.topic)-\(log.partition) at offset \(coveredTo)")
    }
}
