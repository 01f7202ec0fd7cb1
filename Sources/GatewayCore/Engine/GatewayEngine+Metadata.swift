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
            if query.topics == nil, seat.allTopics != nil {
                return waitForRound(session, desk, seat)
            }
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

    private func waitForRound(_ session: Session, _ desk: Desk, _ seat: ClusterSeat) {
        guard !desk.waitsForRound else { return }
        desk.waitsForRound = true
        seat.roundWaiters.append(session.id)
    }

    /// Everybody has been told of all topics: those ask who have come meanwhile.
    func serveRounds() {
        for seat in seats where seat.hasRoundWork {
            seat.endTurn()
            let end = spent &+ Work.turn / 4
            var asked = 0
            while seat.allTopics == nil, asked < seat.roundWaiters.count, spent &- end < 0 {
                spent &+= Work.look
                if let session = sessions[seat.roundWaiters[asked]], let desk = session.desk {
                    desk.waitsForRound = false
                    askPostponed(session)
                }
                asked += 1
            }
            seat.roundWaiters.removeFirst(asked)
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
        guard query.topics == nil, case .success(let found) = result,
            let seat = session.service?.seat
        else { return tell(session, command, query, result) }
        // The cluster answers all who have asked at once.
        spent &+= Work.refusal
        desk.described.append((command, query, seat.learn(found)))
        guard isTurnOver || !turns.isEmpty else {
            tellDescribed(session, desk)
            return desk.described.isEmpty ? () : waitForTurn(session)
        }
        session.turnAccount.expected = Work.command
        waitForTurn(session)
    }

    /// All topics, to one of those who wait for that; or a part of the reply that it needs.
    func tellDescribed(_ session: Session, _ desk: Desk) {
        guard let (command, query, all) = desk.described.first, let access = session.access
        else { return }
        spent &+= Work.look
        // The replies before it were longer than was known: it is asked for again.
        guard mayHold(session, command.promisedBytes), unsent(session) <= session.unsentMax else {
            endTelling(session, desk, command)
            return desk.postponed.insert((command, query), at: 0)
        }
        guard let rest = all.reply(access, session.format) ?? makeReply(session, all, access)
        else { return }
        spent &+= Work.command
        endTelling(session, desk, command)
        complete(session, command, rest)
    }

    private func makeReply(
        _ session: Session, _ all: AllTopics, _ access: SessionAccess
    ) -> SharedBytes? {
        let count = Work.slice / Work.topic
        spent &+= min(count, all.topics.count) &* Work.topic
        return all.makeReply(for: session, access, topics: count) {
            sessions[$0]?.desk?.described.isEmpty != false
        }
    }

    /// The first of those that wait to be told does not wait any more.
    private func endTelling(_ session: Session, _ desk: Desk, _ command: PendingCommand) {
        desk.described.removeFirst()
        session.service?.seat?.tellCount -= 1
        keepPromise(desk, command)
    }

    private func tell(
        _ session: Session, _ command: PendingCommand, _ query: MetadataQuery,
        _ result: Result<[TopicDescription], KafkaFailure>
    ) {
        guard let desk = session.desk else { return }
        let bytes = keepPromise(desk, command)
        switch result {
        case .success(let found):
            guard mayHold(session, bytes), unsent(session) <= session.unsentMax else {
                return desk.postponed.insert((command, query), at: 0)
            }
            spent &+= found.count &* Work.topic
            complete(session, command, nil, .metadata(visible(session, query.topics ?? [], found)))
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
}
