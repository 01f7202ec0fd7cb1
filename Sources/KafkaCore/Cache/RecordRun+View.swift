/// Consecutive whole records of one run that a reader may see.
struct RecordStretch {
    var records: Range<Int>
    var byteCount: Int
    /// Where the reader stands behind it: nothing visible lies between.
    var nextOffset: Int64
    /// Nothing may follow it now: the limit of bytes is reached, or the reader may not see on.
    var isCut: Bool
    /// The limit of bytes, or of records, is reached.
    var isFull: Bool
}

extension RecordRun {
    /// The next stretch for a reader at `offset`: at most `limit` bytes, but one record at least
    /// if `atLeastOne`, and at most `recordsMax` records. The reader sees nothing at or beyond
    /// `end`.
    func stretch(
        from offset: Int64, upTo end: Int64, isolation: Isolation, limit: Int,
        recordsMax: Int = .max, atLeastOne: Bool
    ) -> RecordStretch {
        let barrier = min(end, next)
        let stop = barrier == next ? recordCount : firstRecord(atOrAfter: barrier)
        let start = min(firstRecord(atOrAfter: offset), stop)
        let checksFacts = isolation == .readCommitted && !segments.isEmpty
        let seen = checksFacts ? visible(start..<stop) : start..<stop
        let fitting = fitting(seen, limit: limit, atLeastOne: atLeastOne)
        let records = fitting.count > recordsMax ? fitting.prefix(recordsMax) : fitting
        let upper = records.upperBound
        let isHidden = checksFacts && upper < stop && facts(ofRecord: upper) == .unknown
        return RecordStretch(
            records: records,
            byteCount: place(ofRecord: upper) - place(ofRecord: records.lowerBound),
            nextOffset: max(offset, upper < stop ? self.offset(ofRecord: upper) : barrier),
            isCut: upper < seen.upperBound || isHidden || (upper == stop && barrier < next),
            isFull: upper < seen.upperBound)
    }

    /// The first records of `range` that are plain or committed, up to others. Empty in front of
    /// records of unknown facts, and at the range's end.
    private func visible(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var number = segmentNumber(ofRecord: start)
        while start < range.upperBound, segments[number].facts == .aborted {
            start = min(segmentEnd(number), range.upperBound)
            number += 1
        }
        var end = start
        while end < range.upperBound, [.plain, .committed].contains(segments[number].facts) {
            end = min(segmentEnd(number), range.upperBound)
            number += 1
        }
        return start..<end
    }

    private func fitting(_ records: Range<Int>, limit: Int, atLeastOne: Bool) -> Range<Int> {
        let start = place(ofRecord: records.lowerBound)
        guard !records.isEmpty, place(ofRecord: records.upperBound) - start > limit else {
            return records
        }
        // The last record that begins within the limit does not fit as a whole.
        var upper = limit > 0 ? index.record(at: start + limit) : records.lowerBound
        if upper == records.lowerBound && atLeastOne { upper += 1 }
        return records.lowerBound..<upper
    }

    private func facts(ofRecord number: Int) -> TransactionFacts {
        segments[segmentNumber(ofRecord: number)].facts
    }

    private func segmentEnd(_ number: Int) -> Int {
        number + 1 < segments.count ? segments[number + 1].firstRecord : recordCount
    }

    private func segmentNumber(ofRecord number: Int) -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].firstRecord <= number { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }
}
