import KafkaMirror
import KafkaProtocol
import Timing

/// How a classic group rebalances.
extension BrokerCluster {
    func group(_ id: String) -> Group {
        if let known = groups[id] { return known }
        let group = Group(id: id)
        groups[id] = group
        return group
    }

    /// Everybody has to join again.
    func prepareRebalance(_ group: Group, now: Instant) {
        for member in group.orderedMembers {
            guard let context = member.syncing else { continue }
            member.syncing = nil
            let refusal = SyncGroupResponse(errorCode: KafkaError.rebalanceInProgress.rawValue)
            finish(context.frame(refusal), context, now: now)
        }
        let isFirst = group.state == .empty
        group.state = .preparingRebalance
        let patience = group.members.values.map(\.rebalanceTimeoutMilliseconds).max() ?? 0
        let deadline = now.adding(milliseconds: patience)
        group.rebalanceDeadline = deadline
        timers.add(.group(group.id), due: deadline)
        if isFirst && settings.groupInitialRebalanceMilliseconds > 0 {
            let notBefore = now.adding(milliseconds: settings.groupInitialRebalanceMilliseconds)
            group.rebalanceNotBefore = notBefore
            timers.add(.group(group.id), due: notBefore)
        }
        tryCompleteJoin(group, now: now)
    }

    /// Ends the joining once everybody is there, or the time is over.
    func tryCompleteJoin(_ group: Group, now: Instant) {
        guard group.state == .preparingRebalance else { return }
        if let notBefore = group.rebalanceNotBefore, now < notBefore { return }
        let isComplete = group.members.values.allSatisfy { $0.joining != nil }
        let isOver = group.rebalanceDeadline.map { now >= $0 } ?? true
        guard isComplete || isOver else { return }
        for member in group.orderedMembers where member.joining == nil && member.instanceID == nil {
            group.remove(member.id)
        }
        completeJoin(group, now: now)
    }

    private func completeJoin(_ group: Group, now: Instant) {
        group.rebalanceDeadline = nil
        group.rebalanceNotBefore = nil
        group.generation += 1
        guard !group.members.isEmpty else {
            group.state = .empty
            group.protocolName = nil
            return
        }
        group.state = .completingRebalance
        group.protocolName = group.elected()
        if group.leader.flatMap({ group.members[$0] })?.joining == nil {
            group.leader = group.orderedMembers.first { $0.joining != nil }?.id
        }
        for member in group.orderedMembers {
            guard let context = member.joining else { continue }
            member.joining = nil
            member.assignment = []
            member.seen(now: now)
            watch(member, of: group)
            finish(context.frame(joined(member, group, context)), context, now: now)
        }
    }

    /// What a member is told of the generation; the leader gets everybody's subscription.
    func joined(
        _ member: GroupMember, _ group: Group, _ context: RequestContext,
        skipsAssignment: Bool = false
    ) -> JoinGroupResponse {
        var response = JoinGroupResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        response.generationID = group.generation
        response.protocolType = group.protocolType
        response.protocolName = group.protocolName
        response.leader = group.leader ?? ""
        response.memberID = member.id
        response.skipAssignment = skipsAssignment
        if member.id == group.leader {
            response.members = group.orderedMembers.map {
                .init(
                    memberID: $0.id, groupInstanceID: $0.instanceID,
                    metadata: $0.metadata(of: group.protocolName))
            }
        }
        return response
    }

    func watch(_ member: GroupMember, of group: Group) {
        timers.add(.group(group.id), due: member.deadline)
    }

    /// Dead members leave, late ones are not waited for.
    func groupTimedOut(_ id: String, now: Instant) {
        guard let group = groups[id] else { return }
        let dead = group.orderedMembers.filter { !$0.isWaiting && $0.deadline <= now }
        for member in dead { group.remove(member.id) }
        if group.state != .preparingRebalance && !dead.isEmpty {
            prepareRebalance(group, now: now)
        } else {
            tryCompleteJoin(group, now: now)
        }
    }

    /// A member that leaves by itself or by a tool.
    func leave(_ group: Group, _ member: GroupMember, now: Instant) {
        group.remove(member.id)
        refuseWaiting(of: member, now: now)
        switch group.state {
        case .stable, .completingRebalance: prepareRebalance(group, now: now)
        case .preparingRebalance: tryCompleteJoin(group, now: now)
        case .empty: break
        }
    }

    /// A member that was removed hears so in what it waits for.
    private func refuseWaiting(of member: GroupMember, now: Instant) {
        let refusal = KafkaError.unknownMemberId.rawValue
        if let context = member.joining {
            finish(context.frame(JoinGroupResponse(errorCode: refusal)), context, now: now)
        }
        if let context = member.syncing {
            finish(context.frame(SyncGroupResponse(errorCode: refusal)), context, now: now)
        }
        member.joining = nil
        member.syncing = nil
    }
}
