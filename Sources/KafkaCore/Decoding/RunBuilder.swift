import Bytes
import Compression
import KafkaProtocol
import RecordFormat

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
        /// With the offset where reading may go on.
        var failure: KafkaFailure
    }

    let log: PartitionLog
    /// Of the log when the response came: behind a purge its records are another log's.
    private let generation: Int
    let fetchOffset: Int64
    /// nil: read uncommitted, so that nothing is known about transactions.
    private var aborted: AbortedTransactions?
    private unowned let cache: LogCache
    private let region: KafkaBytes
    /// As told with the records; -1: not told.
    private let highWatermark: Int64
    /// Bytes of the region that were read as whole batches.
    private var consumed = 0
    private var run: RecordRun?
    private var batch: BatchInWork?
    /// What is being looked at.
    private var suspect = SuspectEntry()

    /// Everything from `fetchOffset` up to here is in the cache now, or was.
    private(set) var coveredTo: Int64
    private(set) var failure: Failure?
    /// The size of a batch that did not fit, where nothing else came: ask for so much.
    private(set) var cutBatchBytes = 0
    private(set) var recordCount = 0
    private(set) var byteCount = 0
    /// Of the response, its last batch in part.
    var regionBytes: Int { region.count }
    /// Called when a run of several was handed over to the cache.
    var onFlush: (() -> Void)?

    init(
        log: PartitionLog, cache: LogCache, fetchOffset: Int64, region: KafkaBytes,
        highWatermark: Int64 = -1, aborted: AbortedTransactions?
    ) {
        self.log = log
        generation = log.generation
        self.cache = cache
        self.fetchOffset = fetchOffset
        self.region = region
        self.highWatermark = highWatermark
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
            var error = error
            error.nextOffset = suspect.offsetBehind(
                coveredTo, in: records, highWatermark: highWatermark)
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
            suspect = SuspectEntry(end: set.position > 0 ? consumed + set.position : nil)
            throw unreadable(error)
        }
        if set.isCut, consumed == 0 { cutBatchBytes = set.entryByteCount ?? rest.count * 2 }
        return nil
    }

    // MARK: One batch

    private func begin(_ next: RecordBatch, _ bench: inout DecodingBench) throws(KafkaFailure) {
        let header = next.header
        // The broker's log has them in one file with what was asked for; skip just this one.
        if let after = next.nextOffset, after <= coveredTo, !header.understatesItsEnd { return }
        suspect = SuspectEntry(end: consumed, nextOffset: next.nextOffset)
        do {
            try next.verifyChecksum()
            suspect.isGenuine = true
            if header.isControl { return try pass(next) }
        } catch {
            throw unreadable(error)
        }
        // Compaction has taken them all. Nobody looks at what may stand in their place.
        if header.recordCount == 0 { return pass(empty: header) }
        var work = BatchInWork(
            header: header, byteCount: next.bytes.count,
            nextOffset: next.nextOffset ?? coveredTo,
            facts: facts(header), keepFrom: keepFrom(next))
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
            work.isWhole = false
            work.isHungry = true
        }
        batch = work
    }

    /// Control batches end transactions and count in the offsets; they are never delivered.
    private func pass(_ batch: RecordBatch) throws(RecordError) {
        if try batch.controlMarker() == .abort { aborted?.abortEnded(batch.header) }
        pass(empty: batch.header)
    }

    private func pass(empty header: RecordBatchHeader) {
        prepareRun(base: coveredTo)
        cover(to: header.nextOffset, epoch: header.partitionLeaderEpoch)
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
            !batch.header.understatesItsEnd, batch.bytes.count <= LogCache.runBytesMax,
            log.run(endingAt: fetchOffset) == nil
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
        while true {
            if work.isHungry {
                try feed(&work, &budget, &bench)
                batch = work
                if work.isHungry { return false }
            }
            if try transcode(&work, &budget, mayStop: mayStop) {
                batch = nil
                return true
            }
            if work.isHungry {
                let left = work.reader.left.bytes
                work.readCount += bench.output.count - left
                bench.drop(leaving: left)
            }
            batch = work
            if budget <= 0 || !work.isHungry { return false }
        }
    }

    /// Decompresses more of the batch. What there is of it may not be worth a look yet; messages of
    /// the older formats are only read as a whole.
    private func feed(
        _ work: inout BatchInWork, _ budget: inout Int, _ bench: inout DecodingBench
    ) throws(KafkaFailure) {
        if let excess = work.excess { throw undecompressable(excess) }
        do {
            work.isWhole = try bench.step(&budget)
        } catch {
            // What there is within the limit can be read all the same.
            guard case .tooLarge = error, work.header.magic >= 2, !bench.output.isEmpty else {
                throw undecompressable(error)
            }
            work.excess = error
        }
        let isPiece = bench.output.count >= DecodingBench.pieceBytes && work.header.magic >= 2
        guard work.isWhole || isPiece || work.excess != nil else { return }
        work.isHungry = false
        if case .records(var records) = work.reader {
            records.goOn(with: bench.output)
            work.reader = .records(records)
        } else {
            work.reader = try reader(work.header, bench.output)
            reserve(work)
        }
    }

    /// Whether the batch's end is reached. If not, the budget is used up or the batch is hungry.
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
                base: run.base, isPartial: !work.isWhole, bytesMax: limit, &run.bytes,
                &run.index)
            byteCount += run.bytes.count - before.bytes
            recordCount += run.recordCount - before.records
            budget -= run.bytes.count - before.bytes
            switch end {
            case .failed(var error):
                coverRecords(of: run)
                error.offset += work.readCount
                throw unreadable(error)
            case .end:
                let last = run.recordCount > 0 ? run.offset(ofRecord: run.recordCount - 1) + 1 : 0
                cover(
                    to: max(work.nextOffset, last, coveredTo),
                    epoch: work.header.partitionLeaderEpoch)
                return true
            case .hungry:
                coverRecords(of: run)
                work.isHungry = true
                return false
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

    /// The log was purged meanwhile.
    var isStale: Bool { log.generation != generation }

    /// Hands the run over to the cache.
    private func flush() {
        guard let run else { return }
        self.run = nil
        guard !isStale else { return run.surrender(to: cache.spares, lent: cache.lent) }
        cache.insert(run, into: log)
        onFlush?()
    }

    // MARK: Failures

    private func unreadable(_ error: RecordError) -> KafkaFailure {
        let code =
            switch error.reason {
            case .unknownCodec: KafkaError.unsupportedCompressionType
            case .outOfMemory: KafkaError.messageTooLarge
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
