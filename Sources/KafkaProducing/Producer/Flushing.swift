/// Who waits for everything that was accepted before. Batches belong to the generation in which
/// they were begun; a flush ends it, and is done when none of it or of those before is left.
struct Flushes {
    private var generation = 0
    /// Batches and records of each generation that are not reported of.
    private var unfinished: [Int: Int] = [:]
    private var waiting: [Int] = []

    /// One more of the present generation.
    mutating func began() -> Int {
        unfinished[generation, default: 0] += 1
        return generation
    }

    /// Part of what counts as one becomes one of its own.
    mutating func divided(_ generation: Int, by more: Int) {
        unfinished[generation, default: 0] += more
    }

    /// A record of an older generation goes into a batch.
    mutating func join(_ batch: ProducerBatch, _ generation: Int?) {
        guard let generation, generation < batch.generation else { return }
        unfinished[generation, default: 0] += 1
        release(batch.generation)
        batch.generation = generation
    }

    /// The flushes that are done by this.
    mutating func ended(_ generation: Int) -> [FlushToken] {
        release(generation)
        return done()
    }

    /// nil: nothing is waited for.
    mutating func flush() -> FlushToken? {
        guard !unfinished.isEmpty else { return nil }
        defer { generation += 1 }
        waiting.append(generation)
        return FlushToken(number: generation)
    }

    /// Somebody waits for what belongs to it.
    func isAwaited(_ generation: Int) -> Bool { waiting.last.map { $0 >= generation } ?? false }

    private mutating func release(_ generation: Int) {
        let left = (unfinished[generation] ?? 1) - 1
        unfinished[generation] = left > 0 ? left : nil
    }

    private mutating func done() -> [FlushToken] {
        guard !waiting.isEmpty else { return [] }
        let oldest = unfinished.keys.min() ?? .max
        let count = waiting.firstIndex { $0 >= oldest } ?? waiting.count
        defer { waiting.removeFirst(count) }
        return waiting[..<count].map { FlushToken(number: $0) }
    }
}

extension Producer {
    /// Sends everything at once, whatever waits for more. `flushed` comes when all of it is
    /// reported of; nil: there is nothing.
    public func flush() -> FlushToken? {
        sealEverything()
        return flushes.flush()
    }

    func sealEverything() {
        for topic in topicOrder {
            for queue in topic.queues where queue.noteDue() { nodes.list(queue) }
        }
    }

    func sealAll(of node: Int32) {
        for topic in topicOrder {
            for queue in topic.queues where queue.leader == node && queue.noteDue() {
                nodes.list(queue)
            }
        }
    }
}
