/// What a service keeps of one broker.
protocol BrokerEntry: AnyObject {
    var broker: Broker { get }
    /// Somebody waits for it.
    var hasWork: Bool { get }
    /// The table's, nobody else's.
    var isActive: Bool { get set }
}

/// A service's own table by broker. A turn looks only at those that somebody waits for: a cluster
/// may have thousands of others.
struct BrokerTable<Entry: BrokerEntry> {
    private var entries: [ObjectIdentifier: Entry] = [:]
    /// In the order of the node ids.
    private(set) var active: [Entry] = []

    init() {}

    /// An entry keeps its broker, so that no other one can have its identity.
    subscript(broker: Broker) -> Entry? { entries[ObjectIdentifier(broker)] }

    mutating func insert(_ entry: Entry) { entries[ObjectIdentifier(entry.broker)] = entry }

    mutating func remove(_ broker: Broker) {
        guard let entry = entries.removeValue(forKey: ObjectIdentifier(broker)) else { return }
        entry.isActive = false
        active.removeAll { $0 === entry }
    }

    /// The next turns look at it, as long as there is something to do.
    mutating func activate(_ entry: Entry) {
        guard !entry.isActive, !entry.broker.isGone else { return }
        entry.isActive = true
        let nodeID = entry.broker.nodeID ?? .max
        let place = active.firstIndex { $0.broker.nodeID ?? .max > nodeID }
        active.insert(entry, at: place ?? active.count)
    }

    /// At the end of a turn: those for which nothing is left to do are not looked at any more.
    mutating func settle() {
        guard active.contains(where: { !$0.hasWork }) else { return }
        for entry in active where !entry.hasWork { entry.isActive = false }
        active.removeAll { !$0.isActive }
    }
}
