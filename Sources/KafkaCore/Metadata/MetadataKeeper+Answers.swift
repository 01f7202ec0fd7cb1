import KafkaProtocol
import Timing

/// What answers change.
extension MetadataKeeper {
    func received(_ asked: MetadataQuestion, _ response: MetadataResponse) {
        guard question === asked else { return }
        let error = KafkaError(response.errorCode)
        guard error == .none else { return again(asked, error) }
        let brokers = MetadataAnswer.brokers(response)
        // A broker that has just started does not know the cluster yet: neither are there no
        // brokers, nor are its topics gone. Java's client ignores such answers too.
        guard !brokers.isEmpty else {
            unhelpful = asked.broker
            return again(asked, .brokerNotAvailable)
        }
        unhelpful = nil
        hasAnswered = true
        lateQuestions = 0
        question = nil
        outage = nil
        outageUntil = .zero
        tellOutageIsOver(asked.broker)
        roundFailure = nil
        tried = []
        pace.reset()
        links.update(brokers)
        MetadataAnswer(self).apply(response, to: asked)
        answer(asked.lookups, response)
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

    /// Each answer costs what it tells; all topics are put together once for all who asked.
    private func answer(_ lookups: [MetadataLookup], _ response: MetadataResponse) {
        guard !lookups.isEmpty else { return }
        let told = MetadataAnswer.byName(response)
        var everything: [TopicDescription]?
        for lookup in lookups {
            guard lookup.topics == nil else {
                finish(lookup, .success(MetadataAnswer.describe(lookup.topics, told)))
                continue
            }
            let all = everything ?? MetadataAnswer.describe(nil, told)
            everything = all
            finish(lookup, .success(all))
        }
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
