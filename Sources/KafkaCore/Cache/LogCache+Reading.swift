/// What the cache has for a reader.
struct CachedRecords {
    var firstOffset: Int64
    var nextOffset: Int64
    var byteCount = 0
    var recordCount = 0
    /// There is more in the cache, or this reader may not see on for what is known.
    var isCut = false
    /// No further record has room: whatever the log has behind them, these are the answer.
    var isFull = false
}

extension LogCache {
    /// Whole records at or after `offset`, over as many runs as touch. nil: `offset` is not
    /// covered, or this reader may not see it yet.
    func records(
        of log: PartitionLog, from offset: Int64, isolation: Isolation, limit: Int,
        recordsMax: Int = .max
    ) -> CachedRecords? {
        // The broker has to say that it is out of range.
        guard offset >= log.logStartOffset else { return nil }
        let end = isolation == .readCommitted ? log.lastStableOffset : .max
        guard offset < end, var number = log.runNumber(covering: offset) else { return nil }
        var found = CachedRecords(firstOffset: offset, nextOffset: offset)
        while number < log.runs.count, log.runs[number].base <= found.nextOffset, !found.isCut {
            let run = log.runs[number]
            touch(run)
            take(
                run, upTo: end, isolation: isolation, limit: limit, recordsMax: recordsMax, &found)
            number += 1
        }
        if found.recordCount > 0, found.byteCount >= limit || found.recordCount >= recordsMax {
            found.isFull = true
        }
        return found.nextOffset > offset ? found : nil
    }

    private func take(
        _ run: RecordRun, upTo end: Int64, isolation: Isolation, limit: Int, recordsMax: Int,
        _ found: inout CachedRecords
    ) {
        repeat {
            let stretch = run.stretch(
                from: found.nextOffset, upTo: end, isolation: isolation,
                limit: limit - found.byteCount, recordsMax: recordsMax - found.recordCount,
                atLeastOne: found.recordCount == 0)
            if found.recordCount == 0 && !stretch.records.isEmpty {
                found.firstOffset = run.offset(ofRecord: stretch.records.lowerBound)
            }
            found.recordCount += stretch.records.count
            found.byteCount += stretch.byteCount
            found.nextOffset = stretch.nextOffset
            found.isCut = stretch.isCut
            found.isFull = stretch.isFull
        } while !found.isCut && found.nextOffset < run.next
    }

    /// At most `limit` bytes at the cursor. Valid until the next call of anything but `bytes` and
    /// `advance` on this loop's clusters.
    ///
    /// nil: evicted. Read again from `cursor.offset` (`cluster.read`), then go on with the same
    /// cursor: the bytes of a record are always the same. Empty in front of the end: the log was
    /// truncated or re-created meanwhile, and what the cursor promised does not exist any more.
    public func bytes(at cursor: RecordCursor, upTo limit: Int) -> UnsafeRawBufferPointer? {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        guard cursor.remainingBytes > 0 else { return nothing }
        guard let (run, stretch) = stretch(at: cursor) else { return nil }
        guard let stretch, stretch.byteCount > cursor.skipBytes else { return nothing }
        if cursor.skipBytes > 0,
            run.offset(ofRecord: stretch.records.lowerBound) != cursor.offset
        {
            return nothing
        }
        let start = run.place(ofRecord: stretch.records.lowerBound) + cursor.skipBytes
        let count = min(limit, stretch.byteCount - cursor.skipBytes, cursor.remainingBytes)
        return run.bytes.withBytes { UnsafeRawBufferPointer(rebasing: $0[start..<start + count]) }
    }

    /// Takes `count` bytes of what `bytes` just answered.
    public func advance(_ cursor: inout RecordCursor, by count: Int) {
        guard count > 0 else { return }
        // Nobody asks where in the last record it would stand.
        guard count < cursor.remainingBytes else {
            precondition(count == cursor.remainingBytes)
            cursor.remainingBytes = 0
            cursor.offset = cursor.endOffset
            cursor.skipBytes = 0
            return
        }
        guard let (run, stretch) = stretch(at: cursor), let stretch else {
            preconditionFailure("a cursor goes only over bytes that it was given")
        }
        let taken = cursor.skipBytes + count
        precondition(taken <= stretch.byteCount && count <= cursor.remainingBytes)
        cursor.remainingBytes -= count
        if taken == stretch.byteCount {
            cursor.offset = stretch.nextOffset
            cursor.skipBytes = 0
            return
        }
        let place = run.place(ofRecord: stretch.records.lowerBound) + taken
        let record = run.index.record(at: place)
        cursor.offset = run.offset(ofRecord: record)
        cursor.skipBytes = place - run.place(ofRecord: record)
    }

    /// The run and the next visible stretch at the cursor. nil: not covered. No stretch: nothing
    /// is visible up to the cursor's end.
    private func stretch(at cursor: RecordCursor) -> (RecordRun, RecordStretch?)? {
        var offset = cursor.offset
        while offset < cursor.endOffset {
            guard let number = cursor.log.runNumber(covering: offset) else { return nil }
            let run = cursor.log.runs[number]
            touch(run)
            // The slice was cut where it was: below the last stable offset of its time.
            let stretch = run.stretch(
                from: offset, upTo: cursor.endOffset, isolation: cursor.isolation,
                limit: .max / 2, atLeastOne: true)
            if stretch.byteCount > 0 { return (run, stretch) }
            // Records of unknown facts: read uncommitted by somebody after an eviction.
            if stretch.nextOffset <= offset || (stretch.isCut && stretch.nextOffset < run.next) {
                return nil
            }
            offset = stretch.nextOffset
        }
        return offset < cursor.endOffset ? nil : cursor.log.runs.last.map { ($0, nil) }
    }
}
