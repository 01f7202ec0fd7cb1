import Timing

/// What a service keeps of one partition.
protocol PartitionEntry: AnyObject {
    var partition: Partition { get }
}

/// A service's own table by partition.
struct PartitionTable<Entry: PartitionEntry> {
    private var entries: [PartitionAddress: Entry] = [:]

    /// Where the partition lies in memory: nobody else chooses that.
    private struct PartitionAddress: OwnNumber {
        let raw: UInt64

        init(_ partition: Partition) {
            raw = UInt64(UInt(bitPattern: ObjectIdentifier(partition)))
        }
    }

    init() {}

    /// An entry keeps its partition, so that no other one can have its identity.
    subscript(partition: Partition) -> Entry? { entries[PartitionAddress(partition)] }

    mutating func insert(_ entry: Entry) { entries[PartitionAddress(entry.partition)] = entry }

    mutating func remove(_ partition: Partition) { entries[PartitionAddress(partition)] = nil }

    /// By topic, in the order in which these were named, and index. Not for every event.
    var all: [Entry] {
        entries.values.sorted {
            let (left, right) = ($0.partition, $1.partition)
            return (left.topic.number, left.index) < (right.topic.number, right.index)
        }
    }

    func all(of topic: Topic) -> [Entry] { topic.orderedPartitions.compactMap { self[$0] } }
}
