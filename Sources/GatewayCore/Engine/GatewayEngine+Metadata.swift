import KafkaCore
import PubSubProtocol

extension GatewayEngine {
    func metadata(_ session: Session, _ sequence: Int64, _ metadata: MetadataCommand) {
        let command = begin(session, sequence, .metadata, isOrdered: false)
        let all = metadata.topics.isEmpty
        let seen = metadata.topics.filter { sees(session, $0) }
        let query = MetadataQuery(topics: all ? nil : metadata.topics, seen: all ? nil : seen)
        guard all || !seen.isEmpty, session.service?.seat != nil else {
            return complete(
                session, command, nil, .metadata(visible(session, query.topics ?? [], [])))
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
            spent &+= Work.read
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
        guard let desk = session.desk else { return }
        command.token = .none
        if query.topics == nil, case .success(let found) = result,
            let seat = session.service?.seat
        {
            seat.learn(found)
            // The cluster answers all who have asked at once.
            if isTurnOver || !turns.isEmpty {
                desk.described.append((command, query))
                session.turnAccount.expected = Work.command
                return waitForTurn(session)
            }
        }
        tell(session, command, query, result)
    }

    /// All topics, to one of those who had to wait.
    func tellDescribed(_ session: Session, _ desk: Desk) {
        let (command, query) = desk.described.removeFirst()
        guard let all = session.service?.seat?.allTopics else {
            keepPromise(desk, command)
            return desk.postponed.insert((command, query), at: 0)
        }
        tell(session, command, query, .success(all.topics))
    }

    private func tell(
        _ session: Session, _ command: PendingCommand, _ query: MetadataQuery,
        _ result: Result<[TopicDescription], KafkaFailure>
    ) {
        guard let desk = session.desk else { return }
        let bytes = keepPromise(desk, command)
        switch result {
        case .success(let found):
            // The replies before it were longer than was known: it is asked for again.
            guard mayHold(session, bytes), unsent(session) <= session.unsentMax else {
                return desk.postponed.insert((command, query), at: 0)
            }
            guard let names = query.topics else { return tellAll(session, command) }
            spent &+= found.count &* Work.topic
            complete(session, command, nil, .metadata(visible(session, names, found)))
        case .failure(let failure):
            fail(session, command, failure) { "failed to get metadata, err: \($0)" }
        }
    }

    @discardableResult
    private func keepPromise(_ desk: Desk, _ command: PendingCommand) -> Int {
        let bytes = command.promisedBytes
        desk.promisedBytes -= bytes
        command.promisedBytes = 0
        return bytes
    }

    /// In the order of the command; topics that are refused or missing look the same.
    private func visible(
        _ session: Session, _ names: [String], _ found: [TopicDescription]
    ) -> [TopicMetadata] {
        let byName = Dictionary(found.map { ($0.name, $0) }) { first, _ in first }
        return names.map { name in
            guard session.access?.allows(topic: name) == true, let topic = byName[name] else {
                return TopicMetadata(topic: name, code: .notFound)
            }
            return TopicMetadata(topic)
        }
    }

    /// Nobody waits to be told.
    func forgetAllTopics() {
        for seat in seats where seat.allTopics != nil { seat.allTopics = nil }
    }

    private func tellAll(_ session: Session, _ command: PendingCommand) {
        guard let all = session.service?.seat?.allTopics, let access = session.access else {
            return complete(session, command, nil, .metadata([]))
        }
        spent &+= Work.command
        if let rest = all.reply(access, session.format) {
            return complete(session, command, rest)
        }
        spent &+= all.topics.count &* Work.topic
        complete(session, command, all.makeReply(access, session.format))
    }
}
