import KafkaCore
import PubSubProtocol

extension GatewayEngine {
    func metadata(_ session: Session, _ sequence: Int64, _ metadata: MetadataCommand) {
        let command = begin(session, sequence, .metadata, isOrdered: false)
        let all = metadata.topics.isEmpty
        let query = MetadataQuery(topics: all ? nil : metadata.topics)
        let seen = metadata.topics.filter { sees(session, $0) }
        guard all || !seen.isEmpty, let seat = session.service?.seat else {
            return described(session, command, query, .success([]))
        }
        let token = RequestToken(raw: nextNumber())
        command.token = .request(token)
        requests[token] = .metadata(session, command, query)
        call(seat) { $0.metadata(token, topics: all ? nil : seen, now: now, &$1) }
    }

    func described(
        _ session: Session, _ command: PendingCommand, _ query: MetadataQuery,
        _ result: Result<[TopicDescription], KafkaFailure>
    ) {
        switch result {
        case .success(let found):
            complete(session, command, nil, .metadata(visible(session, query, found)))
        case .failure(let failure):
            fail(session, command, failure) { "failed to get metadata, err: \($0)" }
        }
    }

    /// In the order of the command, or by name; topics that are refused or missing look the same.
    private func visible(
        _ session: Session, _ query: MetadataQuery, _ found: [TopicDescription]
    ) -> [TopicMetadata] {
        guard let topics = query.topics else {
            return found.filter { session.access?.allows(topic: $0.name) == true }
                .sorted { $0.name < $1.name }.map(Self.topicMetadata)
        }
        let byName = Dictionary(found.map { ($0.name, $0) }) { first, _ in first }
        return topics.map { name in
            guard session.access?.allows(topic: name) == true, let topic = byName[name] else {
                return TopicMetadata(topic: name, code: .notFound)
            }
            return Self.topicMetadata(topic)
        }
    }

    private static func topicMetadata(_ topic: TopicDescription) -> TopicMetadata {
        if let failure = topic.failure {
            return TopicMetadata(
                topic: topic.name, code: GatewayFault(failure).replyCode ?? .internalError)
        }
        return TopicMetadata(
            topic: topic.name,
            partitions: topic.partitions.map {
                PartitionMetadata(
                    partition: $0.index, code: $0.leader < 0 ? .unavailable : nil)
            })
    }
}
