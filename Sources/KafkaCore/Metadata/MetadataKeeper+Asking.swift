import KafkaProtocol
import Timing

/// Whom to ask, and what happens when nobody answers.
extension MetadataKeeper {
    func flush() {
        guard question == nil, let wantedFrom, wantedFrom <= context.now else { return }
        guard pace.allows(context.now), currentOutage == nil else { return }
        guard let link = linkForQuestion() else { return }
        ask(link)
    }

    private var extraPatienceMilliseconds: Int64 {
        context.limits.answerLateMilliseconds * Int64((1 << min(lateQuestions, 8)) - 1)
    }

    private func ask(_ link: Links.Link) {
        let connection = link.connection
        guard let version = connection.versions.version(of: MetadataRequest.self) else {
            let cause = "\(connection.endpoint): no common version of Metadata"
            return links.fail(
                connection, .kafka(KafkaError.unsupportedVersion.rawValue, cause: cause))
        }
        let most = context.limits.topicsPerRequestMax
        let named = wishes.take(notAfter: context.now, atMost: most)
        var names = named.map(\.name)
        var seen = Set(names)
        func note(_ lookup: MetadataLookup) {
            for name in lookup.topics ?? [] where seen.insert(name).inserted { names.append(name) }
        }
        let taken = lookups.take { lookup in
            guard names.count + (lookup.topics?.count ?? 0) <= most else { return false }
            note(lookup)
            return true
        }
        taken.first.map(note)
        let all = taken.contains { $0.topics == nil }
        let asked = MetadataQuestion(
            self, topics: all ? nil : named, lookups: taken, askedAt: context.now,
            broker: link.broker)
        question = asked
        // A client of ours may name any topic: naming one must not create it.
        let request = MetadataRequest(
            topics: all ? nil : names.map { MetadataRequest.Topic(name: $0) },
            allowAutoTopicCreation: false)
        connection.send(
            request, version: version, for: asked,
            timeoutMilliseconds: min(context.settings.requestTimeoutMilliseconds, 10_000),
            waitMilliseconds: extraPatienceMilliseconds)
    }

    /// A free control connection, preferably an open one; brokers that are known before bootstrap
    /// nodes. nil: one is being opened, all are busy, or (then the round fails) none can be tried.
    private func linkForQuestion() -> Links.Link? {
        let free = links.freeControls
        if let best = free.first(where: { isHelpful($0.broker) }) { return best }
        // Who could not tell, or does not answer, is asked again only while there is no other.
        if let last = free.first(where: { $0.broker === unhelpful }) ?? free.first,
            candidate(where: isHelpful) == nil, !links.hasControl(where: isHelpful)
        {
            return last
        }
        // One attempt after the other: a single-flight metadata request must not open a connection
        // to every broker of a large cluster. A node that is frozen must not hold it up either: the
        // next one is tried beside it.
        if context.now < nextNodeAt, links.isConnectingControl { return nil }
        if let next = candidate() {
            tried.insert(ObjectIdentifier(next))
            nextNodeAt = context.now.adding(
                milliseconds: context.limits.nextNodeAfterMilliseconds)
            _ = links.free(.control, next)
            return nil
        }
        if links.hasControl() { return nil }
        failRound()
        return nil
    }

    private func isHelpful(_ node: Broker) -> Bool { node !== unhelpful && !node.isLate }

    /// The node to try next: a broker that is known, else a bootstrap node.
    private func candidate(where isSuch: (Broker) -> Bool = { _ in true }) -> Broker? {
        candidate(links.brokers, isSuch) ?? candidate(links.bootstrap, isSuch)
    }

    private func candidate(_ nodes: [Broker], _ isSuch: (Broker) -> Bool) -> Broker? {
        guard !nodes.isEmpty else { return nil }
        nextBroker = (nextBroker + 1) % nodes.count
        for place in 0..<nodes.count {
            let node = nodes[(nextBroker + place) % nodes.count]
            if node.connection(for: .control) == nil, !tried.contains(ObjectIdentifier(node)),
                node.mayConnect(now: context.now), isSuch(node)
            {
                return node
            }
        }
        return nil
    }

    /// Everything was tried and nothing answered.
    private func failRound() {
        let nodes = links.brokers + links.bootstrap
        let earliest = nodes.compactMap(\.pace.retryAt).min() ?? context.now
        let last =
            roundFailure ?? nodes.compactMap(\.lastFailure).last
            ?? .connection(.unreachable, "no broker", cause: "no bootstrap node is configured")
        let failure = last.asOutage
        roundFailure = nil
        tried = []
        outage = failure
        outageUntil = max(earliest, context.now.adding(milliseconds: 1))
        // A refusal explains more than what was told before; the rest is one outage.
        let isNews = outageTrouble.begins(
            failure.isRefusal ? "refused" : "away", now: context.now)
        context.log(isNews ? .error : .debug, "no broker can be reached: \(failure.cause)")
        for topic in topics { failWaiting(topic, failure) }
        for lookup in lookups.take(while: { _ in true }) {
            finish(lookup, .failure(failure.asBootstrapFailure))
        }
        router.brokersAreAway(failure)
    }

    private func failWaiting(_ topic: Topic, _ failure: KafkaFailure) {
        router.topicIsOutOfReach(topic, failure.asBootstrapFailure)
        if !router.isAwaited(topic) { topic.wantedFrom = nil }
    }

    /// A connection attempt or a connection in use failed: what was known of leaders may be old.
    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure) {
        // A refused login or certificate explains more than the refused port tried after it.
        if roundFailure?.isRefusal != true { roundFailure = failure }
        doubt(broker)
    }

    /// Others may lead its partitions by now.
    func doubt(_ broker: Broker) {
        guard broker.nodeID != nil else { return }
        let asked = Set(router.topicsAsked(of: broker).map(ObjectIdentifier.init))
        for topic in topics
        where router.uses(broker, for: topic) || asked.contains(ObjectIdentifier(topic)) {
            wantAgain(topic)
        }
    }

    private func hasOther(than late: Broker) -> Bool {
        let nodes = links.brokers + links.bootstrap
        return nodes.contains { node in
            node.endpoint != late.endpoint && !node.isLate
                && (node.connection(for: .control)?.isFree
                    ?? node.mayConnect(now: context.now))
        }
    }

    /// The answer is late. Whoever else is asked gets twice the time, so that a cluster where all
    /// are slow answers in the end.
    func askElsewhere(_ late: MetadataQuestion) {
        guard question === late, hasOther(than: late.broker) else { return }
        lateQuestions += 1
        let timeout = KafkaFailure.timeout(cause: "\(late.broker.endpoint): metadata is late")
        lost(late, timeout)
    }

    /// The attempt has taught how to do it better.
    func tryAgain(_ broker: Broker) { tried.remove(ObjectIdentifier(broker)) }

    func lost(_ lostQuestion: MetadataQuestion, _ failure: KafkaFailure) {
        guard question === lostQuestion else { return }
        question = nil
        for topic in lostQuestion.topics ?? [] where knows(topic) { want(topic) }
        lookups.putBack(lostQuestion.lookups)
    }
}
