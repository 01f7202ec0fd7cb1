import Bytes
import KafkaProtocol
import Timing

/// What answers change.
extension MetadataKeeper {
    /// A short answer is through at once; the rest of a long one waits for `work`.
    func received(
        _ asked: MetadataQuestion, _ reader: ByteReader, _ answer: Answer
    ) throws(KafkaFailure) {
        let inWork = try MetadataInWork(self, asked, reader, answer)
        var budget = MetadataInWork.atOnceBytes
        if answers.isEmpty, try inWork.step(&budget) { return }
        inWork.keepBytes()
        answers.append(inWork)
        context.needFlush()
    }

    /// Goes on with long answers, for about as long as it takes to decode so many bytes of records.
    func work(budgetBytes: Int) {
        var budget = budgetBytes
        while budget > 0, let first = answers.first {
            do throws(KafkaFailure) {
                guard try first.step(&budget) else { return }
            } catch {
                unreadable(first, error)
            }
            answers.removeFirst()
        }
    }

    /// The connection ends with it, if it has not ended meanwhile.
    private func unreadable(_ inWork: MetadataInWork, _ failure: KafkaFailure) {
        let connection = inWork.answer.connection
        guard links[connection.id] == nil else { return links.fail(connection, failure) }
        context.counters.ended(MetadataResponse.apiKey, .lost)
        inWork.question.lost(failure)
    }

    /// The answer was read to its end: whether its topics count. `response`: all but those.
    func accepts(_ asked: MetadataQuestion, _ response: MetadataResponse) -> Bool {
        guard question === asked else { return false }
        let error = KafkaError(response.errorCode)
        guard error == .none else {
            again(asked, error)
            return false
        }
        let brokers = MetadataAnswer.brokers(response)
        // A broker that has just started does not know the cluster yet: neither are there no
        // brokers, nor are its topics gone. Java's client ignores such answers too.
        guard !brokers.isEmpty else {
            unhelpful = asked.broker
            again(asked, .brokerNotAvailable)
            return false
        }
        unhelpful = nil
        hasAnswered = true
        lateQuestions = 0
        outage = nil
        outageUntil = .zero
        tellOutageIsOver(asked.broker)
        roundFailure = nil
        tried = []
        pace.reset()
        links.update(brokers)
        return true
    }

    /// All that the answer tells is known, and told to all who asked.
    func finish(_ asked: MetadataQuestion) {
        guard question === asked else { return }
        question = nil
        context.needFlush()
    }

    /// A broker has answered, whatever it was asked.
    func tellOutageIsOver(_ broker: Broker) {
        guard outageTrouble.ends(now: context.now) else { return }
        context.log(.warning, "brokers can be reached again: \(broker.endpoint) answers")
    }

    /// The whole request was refused.
    private func again(_ asked: MetadataQuestion, _ error: KafkaError) {
        lost(asked, .kafka(error.rawValue, cause: "metadata"))
        context.delay(&pace, .metadata)
        // KIP-1102: nothing that is known of the cluster counts any more.
        if error == .rebootstrapRequired { links.rebootstrap() }
    }

    /// After a change of brokers: leaders are node ids, not addresses.
    func reassignLeaders() {
        for topic in topics {
            for partition in topic.orderedPartitions {
                guard let old = partition.leader else { continue }
                let new = old.nodeID.flatMap { links.broker($0) }
                if new !== old { setLeader(partition, new) }
            }
        }
    }
}
