import Timing

/// What waits for each broker.
struct NodeQueues {
    struct Node {
        /// Partitions with something to send.
        var ready = SlotList<PartitionQueue>()
        /// Since when it has taken none of them; nil: there is nothing.
        var leavesSince: Instant?
        /// Of all partitions that it leads, where the triggers count.
        var unsent = UnsentLoad()
        /// Requests that have no answer.
        var inFlight = 0
    }

    private(set) var nodes: [Int32: Node] = [:]
    /// In the order of their coming.
    private(set) var order: [Int32] = []

    subscript(_ id: Int32) -> Node { nodes[id] ?? Node() }

    // MARK: What is ready

    /// Into its leader's list, and out of another's: that one may not be served any more.
    mutating func list(_ queue: PartitionQueue) {
        guard queue.listedAt != queue.leader else { return }
        unlist(queue)
        guard queue.leader >= 0 else { return }
        use(queue.leader)
        queue.listedAt = queue.leader
        nodes[queue.leader]?.ready.append(queue)
    }

    mutating func unlist(_ queue: PartitionQueue) {
        guard let id = queue.listedAt else { return }
        queue.listedAt = nil
        nodes[id]?.ready.remove(queue)
    }

    /// It was taken, and goes first in the next request.
    mutating func putBack(_ queue: PartitionQueue) {
        queue.listedAt = queue.leader
        nodes[queue.leader]?.ready.prepend(queue)
    }

    mutating func takeReady(_ id: Int32) -> PartitionQueue? {
        guard let queue = nodes[id]?.ready.removeFirst() else { return nil }
        queue.listedAt = nil
        return queue
    }

    // MARK: Availability

    /// Notes since when brokers have left what is ready lie.
    mutating func look(_ now: Instant) {
        for id in order {
            let isReady = !(nodes[id]?.ready.isEmpty ?? true)
            if !isReady { nodes[id]?.leavesSince = nil }
            if isReady, nodes[id]?.leavesSince == nil { nodes[id]?.leavesSince = now }
        }
    }

    mutating func tookSome(_ id: Int32) { nodes[id]?.leavesSince = nil }

    /// Whether it has taken what was ready within so many milliseconds.
    func isAvailable(_ id: Int32, within milliseconds: Int64, _ now: Instant) -> Bool {
        guard let since = nodes[id]?.leavesSince else { return true }
        return since.adding(milliseconds: milliseconds) > now
    }

    // MARK: Requests

    mutating func sent(to id: Int32) {
        use(id)
        nodes[id]?.inFlight += 1
    }

    mutating func ended(_ id: Int32) { nodes[id]?.inFlight -= 1 }

    // MARK: Triggers

    /// Answers whether this was what the triggers wait for.
    mutating func added(_ load: UnsentLoad, to id: Int32, _ triggers: FlushTriggers) -> Bool {
        guard triggers.counts else { return false }
        use(id)
        let before = isTriggered(id, triggers)
        nodes[id]?.unsent.add(load)
        return !before && isTriggered(id, triggers)
    }

    /// They are sent, or will not be, or have gone elsewhere.
    mutating func removed(_ load: UnsentLoad, from id: Int32, _ triggers: FlushTriggers) {
        guard triggers.counts else { return }
        nodes[id]?.unsent.remove(load)
    }

    func isTriggered(_ id: Int32, _ triggers: FlushTriggers) -> Bool {
        guard triggers.counts, let unsent = nodes[id]?.unsent else { return false }
        return triggers.bytes > 0 && unsent.bytes >= triggers.bytes
            || triggers.records > 0 && unsent.records >= triggers.records
    }

    private mutating func use(_ id: Int32) {
        guard nodes[id] == nil else { return }
        nodes[id] = Node()
        order.append(id)
    }
}
