import Bytes
import KafkaMirror
import KafkaProtocol
import Timing

/// What the broker of a scene answers to producers.
extension Answers {
    static let producing: Set<Int16> = [
        ProduceRequest.apiKey, FindCoordinatorRequest.apiKey, InitProducerIdRequest.apiKey,
        AddPartitionsToTxnRequest.apiKey, EndTxnRequest.apiKey,
    ]

    /// The ranges that it tells, and whether the cluster has transactions of the second kind.
    static let producingRanges: [(Int16, Int16)] = [
        (ProduceRequest.apiKey, 13), (FindCoordinatorRequest.apiKey, 6),
        (InitProducerIdRequest.apiKey, 5), (AddPartitionsToTxnRequest.apiKey, 3),
        (EndTxnRequest.apiKey, 5),
    ]

    /// As it should be, but for what `change` does to the numbers in it.
    mutating func produced(
        _ header: RequestHeader, _ request: ByteReader, isChanged: Bool
    ) -> [UInt8] {
        var request = request
        let version = header.apiVersion
        switch header.apiKey {
        case ProduceRequest.apiKey:
            guard let asked = try? ProduceRequest.decode(&request, version: version) else {
                return []
            }
            let response = answer(to: asked, isChanged)
            return encoded(header) { response.encode(&$0, version: version) }
        case AddPartitionsToTxnRequest.apiKey:
            guard let asked = try? AddPartitionsToTxnRequest.decode(&request, version: version)
            else { return [] }
            let response = answer(to: asked, isChanged)
            return encoded(header) { response.encode(&$0, version: version) }
        case FindCoordinatorRequest.apiKey:
            let response = coordinator(isChanged)
            return encoded(header) { response.encode(&$0, version: version) }
        case InitProducerIdRequest.apiKey:
            let response = InitProducerIdResponse(
                throttleTimeMilliseconds: isChanged ? number32 : 0,
                errorCode: code(isChanged), producerID: isChanged ? random.extreme() : 7,
                producerEpoch: isChanged ? number16 : 1)
            return encoded(header) { response.encode(&$0, version: version) }
        default:
            let response = EndTxnResponse(
                errorCode: code(isChanged), producerID: isChanged ? random.extreme() : 7,
                producerEpoch: isChanged ? number16 : 2)
            return encoded(header) { response.encode(&$0, version: version) }
        }
    }

    private mutating func answer(to asked: ProduceRequest, _ isChanged: Bool) -> ProduceResponse {
        var response = ProduceResponse(
            responses: asked.topicData.map { topic in
                ProduceResponse.Topic(
                    name: topic.name, topicID: topic.topicID,
                    partitionResponses: topic.partitionData.map {
                        ProduceResponse.Partition(index: $0.index, baseOffset: 5)
                    })
            })
        guard isChanged, !response.responses.isEmpty else { return response }
        if random.once(in: 4) {
            response.nodeEndpoints = [
                ProduceResponse.NodeEndpoint(nodeID: 2, host: "c", port: number32)
            ]
        }
        let topic = random.below(response.responses.count)
        for place in response.responses[topic].partitionResponses.indices {
            change(&response.responses[topic].partitionResponses[place])
        }
        // Told twice, or not at all.
        if random.once(in: 8) { response.responses.append(response.responses[topic]) }
        if random.once(in: 8) { response.responses.removeFirst() }
        return response
    }

    private mutating func change(_ partition: inout ProduceResponse.Partition) {
        switch random.below(7) {
        case 0: partition.baseOffset = random.extreme()
        case 1: partition.logAppendTimeMilliseconds = random.extreme()
        case 2: partition.index = number32
        case 3:
            partition.errorCode = 87
            partition.recordErrors = (0...random.below(3)).map { _ in
                ProduceResponse.RecordError(
                    batchIndex: random.once(in: 2) ? Int32(random.below(9)) : number32)
            }
        case 4:
            partition.errorCode = 6
            partition.currentLeader = ProduceResponse.Leader(
                leaderID: random.one(of: [1, 2, number32]), leaderEpoch: number32)
        default:
            partition.errorCode = code(true)
            partition.logStartOffset = random.extreme()
        }
    }

    private mutating func answer(
        to asked: AddPartitionsToTxnRequest, _ isChanged: Bool
    ) -> AddPartitionsToTxnResponse {
        AddPartitionsToTxnResponse(
            resultsByTopicV3AndBelow: asked.v3AndBelowTopics.map { topic in
                AddPartitionsToTxnResponse.Topic(
                    name: topic.name,
                    resultsByPartition: topic.partitions.map {
                        AddPartitionsToTxnResponse.Partition(
                            partitionIndex: $0, partitionErrorCode: code(isChanged))
                    })
            })
    }

    private mutating func coordinator(_ isChanged: Bool) -> FindCoordinatorResponse {
        let node = isChanged ? random.one(of: [1, 2, -1, number32]) : 1
        let port = isChanged ? number32 : 9092
        return FindCoordinatorResponse(
            errorCode: code(isChanged), nodeID: node, host: "b", port: port,
            coordinators: random.once(in: 8) && isChanged
                ? []
                : [
                    FindCoordinatorResponse.Coordinator(
                        key: "x", nodeID: node, host: "b", port: port, errorCode: code(isChanged))
                ])
    }

    private mutating func code(_ isChanged: Bool) -> Int16 {
        guard isChanged, !random.once(in: 3) else { return 0 }
        return Int16(random.below(132)) - 2
    }

    private var number32: Int32 { mutating get { Int32(truncatingIfNeeded: random.extreme()) } }
    private var number16: Int16 { mutating get { Int16(truncatingIfNeeded: random.extreme()) } }
}
