/// The identity of one partition's log, and what is cached of it. A re-created topic is another
/// log: its topic id differs.
public final class PartitionLog {
    public let topic: String
    public let partition: Int32

    public internal(set) var identity: LogIdentity
    /// Runs in order of their offsets; they never overlap.
    private(set) var runs: [RecordRun] = []
    /// Below it the broker has deleted everything. -1: not told yet.
    private(set) var logStartOffset: Int64 = -1
    /// As last told. Committed readers see nothing at or beyond it. -1: not told yet.
    private(set) var lastStableOffset: Int64 = -1
    /// Changes when what was read before does not count any more.
    private(set) var generation = 0
    private let cache: LogCache

    init(topic: String, partition: Int32, cache: LogCache) {
        self.topic = topic
        self.partition = partition
        self.cache = cache
        identity = LogIdentity(partition: cache.nextLogNumber())
    }

    deinit {
        for run in runs { cache.forget(run) }
    }

    /// The place of the run that covers `offset`; nil if none does.
    func runNumber(covering offset: Int64) -> Int? {
        let number = runNumber(endingAfter: offset)
        return number < runs.count && runs[number].base <= offset ? number : nil
    }

    /// The place of the first run that ends behind `offset`; `runs.count` if none does.
    func runNumber(endingAfter offset: Int64) -> Int {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].next <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where the last run ends that ends at `offset` or in front of it; nil: none does.
    func lastEnd(notBehind offset: Int64) -> Int64? {
        let number = runNumber(endingAfter: offset)
        return number > 0 ? runs[number - 1].next : nil
    }

    /// The run that ends exactly at `offset`: a read there goes on where somebody stopped.
    func run(endingAt offset: Int64) -> RecordRun? {
        let number = runNumber(endingAfter: offset - 1)
        return number < runs.count && runs[number].next == offset ? runs[number] : nil
    }

    /// Takes over what a response told.
    func learn(logStartOffset: Int64, lastStableOffset: Int64) {
        if lastStableOffset >= 0 { self.lastStableOffset = lastStableOffset }
        guard logStartOffset > self.logStartOffset else { return }
        self.logStartOffset = logStartOffset
        // Retention deletes from the front; a run across the new start is cut by its readers.
        let kept = runNumber(endingAfter: logStartOffset)
        remove(0..<kept)
    }

    /// Nothing that was read before may be served again.
    func purge() {
        generation += 1
        remove(0..<runs.count)
        lastStableOffset = -1
        logStartOffset = -1
    }

    /// The log ends at `offset` now (KIP-595): what lies beyond was never committed.
    func truncate(to offset: Int64) {
        let number = runNumber(endingAfter: offset)
        guard number < runs.count else { return }
        if runs[number].base < offset {
            runs[number].truncate(to: offset)
            cache.recount(runs[number])
            remove(number + 1..<runs.count)
        } else {
            remove(number..<runs.count)
        }
        lastStableOffset = min(lastStableOffset, offset)
    }

    // For `LogCache` only, which counts.

    func place(_ run: RecordRun, at number: Int) { runs.insert(run, at: number) }

    func remove(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        for number in range { cache.forget(runs[number]) }
        runs.removeSubrange(range)
    }

    func remove(_ run: RecordRun) {
        guard let number = runNumber(covering: run.base), runs[number] === run else { return }
        remove(number..<number + 1)
    }
}
