import Bytes

/// Decoded records of all clusters of one loop under one byte budget; the least recently used run
/// goes first.
public final class LogCache {
    public let budgetBytes: Int
    /// What the cache holds now, capacities and indexes included.
    public private(set) var byteCount = 0
    /// Response bytes that the point reads of this loop have asked for and not got yet.
    var outstandingReadBytes = 0

    /// Runs of the log grow to this size; eviction frees one at a time.
    static let runBytesMax = 1 << 20
    /// A run up to this size is copied to the end of the one before it, so that one-record batches
    /// do not make a run each.
    static let coalescedBytesMax = 64 << 10

    /// Memory of runs that were evicted and of responses that were decoded. Not in the budget.
    let spares = SpareBlocks(bytesMax: 4 << 20)

    let lent = LentMemory()

    private var lastLogNumber: UInt64 = 0
    private unowned(unsafe) var newest: RecordRun?
    private unowned(unsafe) var oldest: RecordRun?

    public init(budgetBytes: Int = 64 << 20) { self.budgetBytes = budgetBytes }

    func nextLogNumber() -> UInt64 {
        lastLogNumber += 1
        return lastLogNumber
    }

    /// Adds a run to its log. Where runs cover the same offsets, one gives way: the newer, unless
    /// it knows about transactions what the older does not.
    func insert(_ run: RecordRun, into log: PartitionLog) {
        giveWay(run, in: log)
        guard run.next > run.base else { return run.surrender(to: spares, lent: lent) }
        makeRoom(for: run, in: log)
        let number = log.runNumber(endingAfter: run.base)
        if coalesce(run, number, log) { return }
        run.shrink()
        run.log = log
        log.place(run, at: number)
        link(run)
        recount(run)
        evict(sparing: run)
    }

    /// Cuts from `run` what `log` has already.
    private func giveWay(_ run: RecordRun, in log: PartitionLog) {
        if let number = log.runNumber(covering: run.base) {
            let other = log.runs[number]
            if other.next >= run.next, !other.hasUnknownFacts { return run.truncate(to: run.base) }
        }
        guard let number = log.runNumber(covering: run.next) else { return }
        let behind = log.runs[number]
        if behind.base > run.base, behind.base < run.next, !behind.hasUnknownFacts {
            run.truncate(to: behind.base)
        }
    }

    /// Removes from `log` what `run` covers.
    private func makeRoom(for run: RecordRun, in log: PartitionLog) {
        var number = log.runNumber(endingAfter: run.base)
        if number < log.runs.count, log.runs[number].base < run.base {
            let before = log.runs[number]
            before.truncate(to: run.base)
            recount(before)
            number += 1
        }
        var end = number
        while end < log.runs.count, log.runs[end].base < run.next { end += 1 }
        log.remove(number..<end)
    }

    private func coalesce(_ run: RecordRun, _ number: Int, _ log: PartitionLog) -> Bool {
        guard run.bytes.count <= Self.coalescedBytesMax, number > 0 else { return false }
        let before = log.runs[number - 1]
        guard before.next == run.base, !before.isShared,
            before.bytes.count + run.bytes.count <= Self.runBytesMax,
            run.next - before.base < RecordRun.offsetSpanMax
        else { return false }
        before.append(run)
        run.surrender(to: spares, lent: lent)
        touch(before)
        recount(before)
        evict(sparing: before)
        return true
    }

    private func evict(sparing spared: RecordRun) {
        while byteCount > budgetBytes, let run = oldest, run !== spared {
            run.log.unsafelyUnwrapped.remove(run)
        }
    }

    // MARK: The list by use

    func touch(_ run: RecordRun) {
        guard newest !== run else { return }
        unlink(run)
        link(run)
    }

    /// The run's memory has changed.
    func recount(_ run: RecordRun) {
        byteCount += run.memoryBytes - run.countedBytes
        run.countedBytes = run.memoryBytes
    }

    /// Takes a run out of the budget; its log drops it.
    func forget(_ run: RecordRun) {
        unlink(run)
        byteCount -= run.countedBytes
        run.countedBytes = 0
        run.log = nil
        run.surrender(to: spares, lent: lent)
    }

    private func link(_ run: RecordRun) {
        run.older = newest
        newest?.newer = run
        newest = run
        if oldest == nil { oldest = run }
    }

    private func unlink(_ run: RecordRun) {
        if oldest === run { oldest = run.newer }
        if newest === run { newest = run.older }
        run.older?.newer = run.newer
        run.newer?.older = run.older
        run.older = nil
        run.newer = nil
    }
}
