import KafkaCore

/// Whose followers they are: what a cluster has for a follower finds its way by the follower's tag,
/// a place in this table and how often that was taken before, without a search.
struct FollowerTable {
    enum Owner {
        case session(Session, LiveSubscription, FollowedPartition)
        case direct(DirectRequest)
    }

    private struct Entry {
        var generation: UInt32
        var owner: Owner?
    }

    private var entries: ContiguousArray<Entry> = []
    private var free: [UInt32] = []

    var count: Int { entries.count - free.count }
    var isEmpty: Bool { count == 0 }

    mutating func add(_ owner: Owner) -> FollowerTag {
        if let place = free.popLast() {
            entries[Int(place)].owner = owner
            return Self.tag(place, entries[Int(place)].generation)
        }
        entries.append(Entry(generation: 0, owner: owner))
        return Self.tag(UInt32(entries.count - 1), 0)
    }

    /// nil: it is gone.
    subscript(tag: FollowerTag) -> Owner? {
        let place = Int(tag.raw & 0xffff_ffff)
        guard place < entries.count, entries[place].generation == UInt32(tag.raw >> 32) else {
            return nil
        }
        return entries[place].owner
    }

    mutating func remove(_ tag: FollowerTag) {
        guard self[tag] != nil else { return }
        let place = Int(tag.raw & 0xffff_ffff)
        entries[place].owner = nil
        entries[place].generation &+= 1
        free.append(UInt32(place))
    }

    private static func tag(_ place: UInt32, _ generation: UInt32) -> FollowerTag {
        FollowerTag(raw: UInt64(generation) << 32 | UInt64(place))
    }
}
