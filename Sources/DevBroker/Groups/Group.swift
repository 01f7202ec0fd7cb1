import Timing

/// A committed position of a group in a partition.
struct GroupOffset: Equatable {
    var offset: Int64
    var leaderEpoch: Int32
    var metadata: String?
}

/// A consumer group of the classic protocol, as its coordinator keeps it.
final class Group {
    enum State: String {
        case empty = "Empty"
        case preparingRebalance = "PreparingRebalance"
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    struct PartitionKey: Hashable {
        let topic: String
        let partition: Int32
    }

    struct PendingOffset {
        let producerID: Int64
        let topic: String
        let partition: Int32
    }

    let id: String
    var state = State.empty
    var generation: Int32 = 0
    var protocolType: String?
    var protocolName: String?
    var leader: String?
    private(set) var members: [String: GroupMember] = [:]
    /// In the order of joining.
    private var memberIDs: [String] = []
    /// Ids that were handed out and have not come back (KIP-394).
    var promisedIDs: Set<String> = []
    private var offsets: [PartitionKey: GroupOffset] = [:]
    /// In the order of their first commit.
    private(set) var offsetOrder: [PartitionKey] = []
    /// Offsets in open transactions.
    var pendingOffsets: [PendingOffset] = []
    /// When a rebalance ends even if not everybody is back.
    var rebalanceDeadline: Instant?
    /// A first rebalance does not end before.
    var rebalanceNotBefore: Instant?

    init(id: String) { self.id = id }

    var orderedMembers: [GroupMember] { memberIDs.compactMap { members[$0] } }

    func add(_ member: GroupMember) {
        members[member.id] = member
        memberIDs.append(member.id)
        promisedIDs.remove(member.id)
    }

    func remove(_ id: String) {
        members[id] = nil
        memberIDs.removeAll { $0 == id }
        if leader == id { leader = nil }
    }

    func staticMember(_ instanceID: String?) -> GroupMember? {
        guard let instanceID else { return nil }
        return orderedMembers.first { $0.instanceID == instanceID }
    }

    func commit(_ topic: String, _ partition: Int32, _ offset: GroupOffset) {
        let key = PartitionKey(topic: topic, partition: partition)
        if offsets.updateValue(offset, forKey: key) == nil { offsetOrder.append(key) }
    }

    func offset(_ topic: String, _ partition: Int32) -> GroupOffset? {
        offsets[PartitionKey(topic: topic, partition: partition)]
    }

    func isPending(_ topic: String, _ partition: Int32) -> Bool {
        pendingOffsets.contains { $0.topic == topic && $0.partition == partition }
    }

    /// The protocols that every member has.
    var commonProtocols: Set<String> {
        var common: Set<String>?
        for member in members.values {
            let names = Set(member.protocols.map(\.name))
            common = common.map { $0.intersection(names) } ?? names
        }
        return common ?? []
    }

    /// Each member votes for the first of its protocols that all have.
    func elected() -> String? {
        let common = commonProtocols
        var votes: [String: Int] = [:]
        for member in orderedMembers {
            if let vote = member.protocols.first(where: { common.contains($0.name) }) {
                votes[vote.name, default: 0] += 1
            }
        }
        return votes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }
}
