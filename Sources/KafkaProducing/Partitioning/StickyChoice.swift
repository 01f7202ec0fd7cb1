import Timing

/// Where a topic's records without a key go (KIP-794): to one partition until a batch's worth of
/// bytes went there, then to another, the seldomer the more batches wait for it.
struct StickyChoice {
    private(set) var current: Int32?
    private var bytes = 0
    private var weights = LoadWeights()

    /// The partition for the next record.
    mutating func partition(
        of count: Int32, led: [Int32], _ random: inout SeededRandom
    ) -> Int32 {
        if let current, current < count { return current }
        return choose(count, led, &random)
    }

    /// So many bytes went to the current partition. `isFull`: its batch takes no more, so that a
    /// change does not leave a half-empty one behind; twice the size is the end in any case.
    mutating func appended(
        _ size: Int, batchBytes: Int, isFull: Bool, of count: Int32, led: [Int32],
        _ random: inout SeededRandom
    ) {
        bytes += size
        guard bytes >= batchBytes && isFull || bytes >= 2 * batchBytes else { return }
        _ = choose(count, led, &random)
    }

    mutating func update(_ weights: LoadWeights) { self.weights = weights }

    private mutating func choose(
        _ count: Int32, _ led: [Int32], _ random: inout SeededRandom
    ) -> Int32 {
        bytes = 0
        let next: Int32
        if let weighted = weights.pick(&random), weighted < count {
            next = weighted
        } else if led.isEmpty {
            next = Int32.random(in: 0..<count, using: &random)
        } else {
            next = led[Int.random(in: 0..<led.count, using: &random)]
        }
        current = next
        return next
    }
}

/// How often each partition is to be chosen: queues of 0, 3 and 1 batches give weights of 4, 1 and
/// 3. Empty, where all are alike.
struct LoadWeights: Equatable {
    private var partitions: [Int32] = []
    /// Sums of the weights so far.
    private(set) var sums: [Int] = []

    init() {}

    /// Partitions with a leader, and the batches that wait for each. `isPartial`: there are others,
    /// which are to be left out.
    init(_ queues: [(partition: Int32, batches: Int)], isPartial: Bool = false) {
        guard let longest = queues.lazy.map(\.batches).max(),
            isPartial || queues.contains(where: { $0.batches != longest })
        else { return }
        var sum = 0
        for (partition, batches) in queues {
            sum += longest + 1 - batches
            partitions.append(partition)
            sums.append(sum)
        }
    }

    func pick(_ random: inout SeededRandom) -> Int32? {
        guard let total = sums.last else { return nil }
        return pick(Int.random(in: 0..<total, using: &random))
    }

    func pick(_ number: Int) -> Int32? {
        sums.firstIndex { $0 > number }.map { partitions[$0] }
    }
}
