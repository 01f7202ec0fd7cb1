import KafkaCore
import PubSubProtocol

extension GatewayEngine {
    func metadata(_ session: Session, _ sequence: Int64, _ metadata: MetadataCommand) {
        let command = begin(session, sequence, .metadata, isOrdered: false)
        let all = metadata.topics.isEmpty
        let seen = metadata.topics.filter { sees(session, $0) }
        let query = MetadataQuery(topics: all ? nil : metadata.topics, seen: all ? nil : seen)
        guard all || !seen.isEmpty, session.service?.seat != nil else {
            return tell(session, command, query, .success([]))
        }
        session.desk?.postponed.append((command, query))
        askPostponed(session)
    }

    /// Asks for what there is room to answer: a client that reads nothing gets no replies made.
    func askPostponed(_ session: Session) {
        guard let desk = session.desk, let seat = session.service?.seat else { return }
        while let (command, query) = desk.postponed.first {
            let bytes = expectedBytes(query, seat)
            guard hasRoom(session, desk, for: bytes) else { return }
            desk.postponed.removeFirst()
            command.promisedBytes = bytes
            desk.promisedBytes += bytes
            let token = RequestToken(raw: nextNumber())
            command.token = .request(token)
            requests[token] = .metadata(session, command, query)
            call(seat) { $0.metadata(token, topics: query.seen, now: now, &$1) }
            guard session.desk === desk else { return }
        }
    }

    private func expectedBytes(_ query: MetadataQuery, _ seat: ClusterSeat) -> Int {
        query.topics.map { $0.count * Self.topicBytes } ?? seat.allTopicsBytes
    }

    /// What a named topic's part of a reply is taken for until it is made.
    private static let topicBytes = 256

    private func hasRoom(_ session: Session, _ desk: Desk, for bytes: Int) -> Bool {
        guard mayHold(session, bytes) else { return false }
        guard desk.promisedBytes > 0 else { return unsent(session) <= session.unsentMax }
        return unsent(session) + desk.promisedBytes + bytes <= session.unsentMax
    }

    private func mayHold(_ session: Session, _ bytes: Int) -> Bool {
        guard owesTooMuch(session, adding: bytes) else { return true }
        waitForMemory(session)
        return false
    }

    private func unsent(_ session: Session) -> Int {
        session.output.unsentBytes + session.heldReplyBytes
    }

    func described(
        _ session: Session, _ command: PendingCommand, _ query: MetadataQuery,
        _ result: Result<[TopicDescription], KafkaFailure>
    ) {
        if let desk = session.desk {
            let bytes = command.promisedBytes
            desk.promisedBytes -= bytes
            command.promisedBytes = 0
            command.token = .none
            // The replies before it were longer than was known: it is asked for again.
            guard mayHold(session, bytes), unsent(session) <= session.unsentMax else {
                return desk.postponed.insert((command, query), at: 0)
            }
        }
        if case .success(let found) = result {
            spent &+= found.count &* Work.topic
            if query.topics == nil { session.service?.seat?.note(found) }
        }
        tell(session, command, query, result)
    }

    private func tell(
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

extension ClusterSeat {
    /// All topics were told of: so long is a reply.
    fileprivate func note(_ found: [TopicDescription]) {
        allTopicsBytes = found.reduce(64) { $0 + $1.name.utf8.count + 16 + 8 * $1.partitions.count }
    }
}
