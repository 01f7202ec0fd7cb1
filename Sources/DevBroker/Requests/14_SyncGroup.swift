import KafkaMirror
import KafkaProtocol

/// SyncGroup, Heartbeat and LeaveGroup.
extension BrokerCluster {
    /// The member that a request speaks for.
    private func member(
        _ id: String, instance: String?, generation: Int32?, of groupID: String,
        _ context: RequestContext
    ) throws(KafkaError) -> (Group, GroupMember) {
        guard !groupID.isEmpty else { throw .invalidGroupId }
        try checkCoordinator(of: groupID, context)
        guard let group = groups[groupID] else { throw .unknownMemberId }
        if let instance {
            guard let known = group.staticMember(instance) else { throw .unknownMemberId }
            guard known.id == id else { throw .fencedInstanceId }
        }
        guard let member = group.members[id] else { throw .unknownMemberId }
        if let generation, generation != group.generation { throw .illegalGeneration }
        return (group, member)
    }

    func syncGroup(_ request: SyncGroupRequest, _ context: RequestContext) -> Outcome {
        do throws(KafkaError) {
            if let code = context.injectedError() { throw KafkaError(code) }
            let (group, member) = try member(
                request.memberID, instance: request.groupInstanceID,
                generation: request.generationID, of: request.groupID, context)
            if let type = request.protocolType, type != group.protocolType {
                throw .inconsistentGroupProtocol
            }
            member.seen(now: context.now)
            switch group.state {
            case .preparingRebalance: throw .rebalanceInProgress
            case .empty: throw .unknownMemberId
            case .stable: return context.reply(synced(member, group, context))
            case .completingRebalance: break
            }
            member.syncing = context
            if member.id == group.leader {
                assign(request.assignments, group, context)
            }
            return .later
        } catch {
            return context.reply(SyncGroupResponse(errorCode: error.rawValue))
        }
    }

    private func assign(
        _ assignments: [SyncGroupRequest.Assignment], _ group: Group, _ context: RequestContext
    ) {
        for item in assignments { group.members[item.memberID]?.assignment = item.assignment }
        group.state = .stable
        for member in group.orderedMembers {
            guard let waiting = member.syncing else { continue }
            member.syncing = nil
            member.seen(now: context.now)
            watch(member, of: group)
            finish(waiting.frame(synced(member, group, waiting)), waiting, now: context.now)
        }
    }

    private func synced(
        _ member: GroupMember, _ group: Group, _ context: RequestContext
    ) -> SyncGroupResponse {
        SyncGroupResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds,
            protocolType: group.protocolType, protocolName: group.protocolName,
            assignment: member.assignment)
    }

    func heartbeat(_ request: HeartbeatRequest, _ context: RequestContext) -> Outcome {
        var response = HeartbeatResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        do throws(KafkaError) {
            if let code = context.injectedError() { throw KafkaError(code) }
            let (group, member) = try member(
                request.memberID, instance: request.groupInstanceID,
                generation: request.generationID, of: request.groupID, context)
            member.seen(now: context.now)
            watch(member, of: group)
            if group.state == .preparingRebalance { throw .rebalanceInProgress }
        } catch {
            response.errorCode = error.rawValue
        }
        return context.reply(response)
    }

    func leaveGroup(_ request: LeaveGroupRequest, _ context: RequestContext) -> Outcome {
        var response = LeaveGroupResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        if let code = context.injectedError() {
            response.errorCode = code
            return context.reply(response)
        }
        let leaving =
            context.version >= 3
            ? request.members.map { ($0.memberID, $0.groupInstanceID) }
            : [(request.memberID, nil)]
        for (id, instance) in leaving {
            let code = leave(id, instance, request.groupID, context)
            if context.version >= 3 {
                response.members.append(
                    .init(memberID: id, groupInstanceID: instance, errorCode: code.rawValue))
            } else {
                response.errorCode = code.rawValue
            }
        }
        return context.reply(response)
    }

    private func leave(
        _ id: String, _ instance: String?, _ groupID: String, _ context: RequestContext
    ) -> KafkaError {
        do throws(KafkaError) {
            // A tool may remove a static member without knowing its member id.
            let known = id.isEmpty ? groups[groupID]?.staticMember(instance)?.id : id
            let (group, member) = try member(
                known ?? "", instance: instance, generation: nil, of: groupID, context)
            leave(group, member, now: context.now)
            return .none
        } catch {
            return error
        }
    }
}
