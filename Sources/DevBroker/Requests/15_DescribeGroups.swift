import KafkaMirror
import KafkaProtocol

/// DescribeGroups and ListGroups.
extension BrokerCluster {
    func describeGroups(_ request: DescribeGroupsRequest, _ context: RequestContext) -> Outcome {
        var response = DescribeGroupsResponse(
            throttleTimeMilliseconds: context.throttleMilliseconds)
        response.groups = request.groups.map { describe($0, context) }
        return context.reply(response)
    }

    private func describe(
        _ id: String, _ context: RequestContext
    ) -> DescribeGroupsResponse.Group {
        var answer = DescribeGroupsResponse.Group(groupID: id)
        guard coordinator(of: id) === context.broker else {
            answer.errorCode = KafkaError.notCoordinator.rawValue
            return answer
        }
        guard let group = groups[id] else {
            answer.groupState = "Dead"
            if context.version >= 6 {
                answer.errorCode = KafkaError.groupIdNotFound.rawValue
                answer.errorMessage = "Group \(id) not found."
            }
            return answer
        }
        answer.groupState = group.state.rawValue
        answer.protocolType = group.protocolType ?? ""
        answer.protocolData = group.protocolName ?? ""
        answer.members = group.orderedMembers.map {
            .init(
                memberID: $0.id, groupInstanceID: $0.instanceID, clientID: $0.clientID,
                clientHost: "/127.0.0.1", memberMetadata: $0.metadata(of: group.protocolName),
                memberAssignment: $0.assignment)
        }
        return answer
    }

    func listGroups(_ request: ListGroupsRequest, _ context: RequestContext) -> Outcome {
        var response = ListGroupsResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        let mine = groups.values.filter { coordinator(of: $0.id) === context.broker }
        response.groups = mine.sorted { $0.id < $1.id }.filter {
            request.statesFilter.isEmpty || request.statesFilter.contains($0.state.rawValue)
        }.map {
            .init(
                groupID: $0.id, protocolType: $0.protocolType ?? "",
                groupState: $0.state.rawValue, groupType: "classic")
        }
        return context.reply(response)
    }
}
