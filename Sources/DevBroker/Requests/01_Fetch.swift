import Bytes
import KafkaMirror
import KafkaProtocol
import Timing

/// Fetch: sessions first, then reading, then perhaps waiting.
extension BrokerCluster {
    func fetch(_ request: FetchRequest, _ context: RequestContext) -> Outcome {
        if let code = sessionError(context) {
            return .reply(fetchFrame(FetchResponse(errorCode: code), nil, context))
        }
        let asked = askedPartitions(request)
        switch session(for: request, asked: asked, context) {
        case .failure(let error):
            return .reply(fetchFrame(FetchResponse(errorCode: error.rawValue), nil, context))
        case .success(let (session, isIncremental)):
            let waiting = WaitingFetch(
                context: context, partitions: session?.partitions ?? asked, session: session,
                isIncremental: isIncremental, isCommitted: request.isolationLevel == 1,
                rack: request.rackID,
                minBytes: Int(request.minBytes),
                maxBytes: min(max(0, Int(request.maxBytes)), settings.fetchBytesMax))
            return start(waiting, maxWait: Int64(request.maxWaitMilliseconds))
        }
    }

    /// The errors of the whole that a fault can ask for.
    private func sessionError(_ context: RequestContext) -> Int16? {
        guard let injected = context.injected else { return nil }
        let ofTheWhole: [KafkaError] = [
            .fetchSessionIdNotFound, .invalidFetchSessionEpoch, .fetchSessionTopicIdError,
        ]
        guard ofTheWhole.contains(KafkaError(injected.code)), context.version >= 7 else {
            return nil
        }
        return context.injectedError()
    }

    private func askedPartitions(_ request: FetchRequest) -> [FetchedPartition] {
        request.topics.flatMap { topic in
            topic.partitions.map { partition in
                FetchedPartition(
                    key: .init(
                        topic: topic.topic, topicID: topic.topicID, partition: partition.partition),
                    partition)
            }
        }
    }

    /// KIP-227: what the session id and epoch of a request mean.
    private func session(
        for request: FetchRequest, asked: [FetchedPartition], _ context: RequestContext
    ) -> Result<(FetchSession?, isIncremental: Bool), KafkaError> {
        let broker = context.broker
        if request.sessionEpoch <= 0 {
            if request.sessionID != 0 { broker.sessions.remove(request.sessionID) }
            guard request.sessionEpoch == 0, context.version >= 7 else {
                return .success((nil, false))
            }
            let session = broker.sessions.open(
                asked, usesTopicIDs: context.version >= 13, now: context.now, &random)
            return .success((session, false))
        }
        guard let session = broker.sessions[request.sessionID] else {
            return .failure(.fetchSessionIdNotFound)
        }
        guard session.epoch == request.sessionEpoch else {
            return .failure(.invalidFetchSessionEpoch)
        }
        guard session.usesTopicIDs == (context.version >= 13) else {
            return .failure(.fetchSessionTopicIdError)
        }
        for partition in asked { session.put(partition) }
        session.forget(
            request.forgottenTopicsData.flatMap { topic in
                topic.partitions.map {
                    .init(topic: topic.topic, topicID: topic.topicID, partition: $0)
                }
            })
        session.lastUsed = context.now
        session.advanceEpoch()
        return .success((session, true))
    }

    /// Answers at once, or waits for records.
    private func start(_ waiting: WaitingFetch, maxWait: Int64) -> Outcome {
        let reading = read(waiting)
        if maxWait <= 0 || reading.isDue(waiting) {
            return .reply(frame(of: reading, waiting))
        }
        let connection = waiting.context.connection
        connection.waitingFetch = waiting
        for fetched in waiting.partitions {
            find(fetched.key)?.waiting.insert(connection.id)
        }
        timers.add(
            .fetch(connection.id, waiting),
            due: waiting.context.now.adding(milliseconds: maxWait))
        return .later
    }

    func find(_ key: FetchSession.Key) -> Partition? {
        let topic = key.topicID == .zero ? topics[key.topic] : topicsByID[key.topicID]
        return topic?.partition(key.partition)
    }
}
