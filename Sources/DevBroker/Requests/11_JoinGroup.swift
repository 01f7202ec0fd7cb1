import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func joinGroup(_ request: JoinGroupRequest, _ context: RequestContext) -> Outcome {
        do throws(KafkaError) {
            if let code = context.injectedError() { throw KafkaError(code) }
            guard !request.groupID.isEmpty else { throw .invalidGroupId }
            try checkCoordinator(of: request.groupID, context)
            guard request.sessionTimeoutMilliseconds > 0, !request.protocols.isEmpty else {
                throw request.protocols.isEmpty
                    ? .inconsistentGroupProtocol : .invalidSessionTimeout
            }
            let group = group(request.groupID)
            try checkProtocols(request, group)
            return try join(request, group, context)
        } catch {
            return context.reply(refusal(request, error))
        }
    }

    private func refusal(_ request: JoinGroupRequest, _ error: KafkaError) -> JoinGroupResponse {
        JoinGroupResponse(
            errorCode: error.rawValue, generationID: -1, protocolName: "",
            memberID: request.memberID)
    }

    /// A member must share a protocol with all others.
    private func checkProtocols(
        _ request: JoinGroupRequest, _ group: Group
    ) throws(KafkaError) {
        guard !group.members.isEmpty else { return }
        let isAlone = group.members.count == 1 && group.members[request.memberID] != nil
        guard !isAlone else { return }
        guard group.protocolType == request.protocolType,
            request.protocols.contains(where: { group.commonProtocols.contains($0.name) })
        else { throw .inconsistentGroupProtocol }
    }

    private func join(
        _ request: JoinGroupRequest, _ group: Group, _ context: RequestContext
    ) throws(KafkaError) -> Outcome {
        if request.memberID.isEmpty {
            if let known = group.staticMember(request.groupInstanceID) {
                return replace(known, request, group, context)
            }
            let id = newMemberID(request, context)
            if context.version >= 4 && request.groupInstanceID == nil {
                // KIP-394: a client that never comes back must not count as a member.
                group.promisedIDs.insert(id)
                var answer = refusal(request, .memberIdRequired)
                answer.memberID = id
                return context.reply(answer)
            }
            return add(id, request, group, context)
        }
        if let member = group.members[request.memberID] {
            if let instance = request.groupInstanceID, member.instanceID != instance {
                throw .fencedInstanceId
            }
            return rejoin(member, request, group, context)
        }
        if group.staticMember(request.groupInstanceID) != nil { throw .fencedInstanceId }
        guard group.promisedIDs.contains(request.memberID) else { throw .unknownMemberId }
        return add(request.memberID, request, group, context)
    }

    private func newMemberID(_ request: JoinGroupRequest, _ context: RequestContext) -> String {
        let name = request.groupInstanceID ?? context.header.clientID ?? ""
        return "\(name)-\(String(random.next(), radix: 16))\(String(random.next(), radix: 16))"
    }

    private func member(
        _ id: String, _ request: JoinGroupRequest, _ context: RequestContext
    ) -> GroupMember {
        let session = Int64(request.sessionTimeoutMilliseconds)
        let rebalance = Int64(request.rebalanceTimeoutMilliseconds)
        return GroupMember(
            id: id, instanceID: request.groupInstanceID,
            clientID: context.header.clientID ?? "", sessionTimeoutMilliseconds: session,
            rebalanceTimeoutMilliseconds: rebalance > 0 ? rebalance : session,
            protocols: request.protocols.map { .init(name: $0.name, metadata: $0.metadata) },
            now: context.now)
    }

    private func add(
        _ id: String, _ request: JoinGroupRequest, _ group: Group, _ context: RequestContext
    ) -> Outcome {
        if group.members.isEmpty { group.protocolType = request.protocolType }
        let member = member(id, request, context)
        group.add(member)
        return awaitOthers(member, group, context)
    }

    /// The answer comes when all members have joined, or their time is over.
    private func awaitOthers(
        _ member: GroupMember, _ group: Group, _ context: RequestContext
    ) -> Outcome {
        member.joining = context
        if group.state == .preparingRebalance {
            tryCompleteJoin(group, now: context.now)
        } else {
            prepareRebalance(group, now: context.now)
        }
        return .later
    }

    private func rejoin(
        _ member: GroupMember, _ request: JoinGroupRequest, _ group: Group,
        _ context: RequestContext
    ) -> Outcome {
        let protocols = request.protocols.map {
            GroupMember.GroupProtocol(name: $0.name, metadata: $0.metadata)
        }
        let isSame = protocols == member.protocols
        member.seen(now: context.now)
        let mayKeep =
            group.state == .completingRebalance
            || (group.state == .stable && member.id != group.leader)
        if isSame && mayKeep { return context.reply(joined(member, group, context)) }
        member.protocols = protocols
        return awaitOthers(member, group, context)
    }

    /// KIP-345: a static member comes back under a new member id. If nothing else has changed,
    /// the generation goes on.
    private func replace(
        _ old: GroupMember, _ request: JoinGroupRequest, _ group: Group,
        _ context: RequestContext
    ) -> Outcome {
        let fresh = member(newMemberID(request, context), request, context)
        let isSame = fresh.protocols == old.protocols
        let wasLeader = group.leader == old.id
        fresh.assignment = old.assignment
        group.remove(old.id)
        group.add(fresh)
        if wasLeader { group.leader = fresh.id }
        watch(fresh, of: group)
        if group.state == .stable && isSame {
            // A leader of old versions would compute assignments anew: it is told of another.
            let skips = wasLeader && context.version >= 9
            var answer = joined(fresh, group, context, skipsAssignment: skips)
            if wasLeader && !skips {
                answer.leader = old.id
                answer.members = []
            }
            return context.reply(answer)
        }
        return awaitOthers(fresh, group, context)
    }
}
