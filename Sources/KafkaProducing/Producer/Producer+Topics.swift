import KafkaProtocol
import Timing

extension Producer {
    /// What the cluster tells about a topic that was asked for; all of its partitions.
    public func tell(
        _ name: String, id: KafkaUUID, _ partitions: [PartitionLeader], now: Instant
    ) {
        guard let topic = topics[name] else { return }
        // Kafka numbers them from 0 on: what lies beyond their count is no partition, and would
        // take memory for all in between.
        let valid = partitions.filter { (0..<Int32(clamping: partitions.count)).contains($0.index) }
        if topic.id != id {
            forgetLeaders(topic)
            topic.becameAnother(id)
        }
        let loads = topic.queues.map { ($0, $0.leader) }
        let moved = topic.tell(valid, settings)
        for (queue, old) in loads where queue.leader != old { move(queue, from: old) }
        for queue in moved { relist(queue, now) }
        placeWaiting(topic, now)
        askForLeaders(topic)
    }

    /// Its metadata cannot be had. `isFinal`: nor later, without somebody's doing.
    public func refuse(
        _ name: String, _ failure: ProduceFailure, isFinal: Bool, now: Instant
    ) {
        guard let topic = topics[name] else { return }
        topic.isMissing(failure, now)
        guard isFinal else {
            look(at: topic, now)
            return watch(topic, now)
        }
        failUnplaced(topic, failure)
        for queue in topic.queues where queue.leader < 0 { fail(queue.takeAll(), failure) }
        topic.state = .unknown
        forget(topic)
    }

    /// A broker that is not the leader has told who is (KIP-951).
    func follow(_ leader: PartitionLeader, _ queue: PartitionQueue, _ now: Instant) {
        guard leader.leader >= 0, leader.epoch > queue.leaderEpoch else { return }
        let old = queue.leader
        guard queue.lead(leader.leader, epoch: leader.epoch) else { return }
        move(queue, from: old)
        relist(queue, now)
    }

    /// What is known of the topic's leaders was wrong: older epochs may be told next.
    public func leadersWereWrong(_ name: String) {
        if let topic = topics[name] { forgetLeaders(topic) }
    }

    private func forgetLeaders(_ topic: ProducerTopic) {
        for queue in topic.queues {
            let old = queue.leader
            queue.forgetLeader()
            nodes.unlist(queue)
            if old >= 0 { move(queue, from: old) }
        }
    }

    private func move(_ queue: PartitionQueue, from old: Int32) {
        nodes.removed(queue.unsent, from: old, settings.triggers)
        if nodes.added(queue.unsent, to: queue.leader, settings.triggers) {
            sealAll(of: queue.leader)
        }
    }

    func want(_ topic: ProducerTopic) {
        guard case .unknown = topic.state else { return }
        topic.state = .wanted
        effects.append(.metadataNeeded(topic: topic.name))
    }

    /// Partitions with records and without a leader: the cluster may have elected one meanwhile.
    private func askForLeaders(_ topic: ProducerTopic) {
        guard topic.queues.contains(where: { $0.leader < 0 && !$0.isEmpty }) else { return }
        effects.append(.metadataNeeded(topic: topic.name))
    }

    /// Records that have waited for the number of partitions.
    private func placeWaiting(_ topic: ProducerTopic, _ now: Instant) {
        guard topic.partitionCount > 0 else { return }
        for waiting in topic.unplaced.takeAll() {
            unplacedCount -= 1
            if let partition = waiting.partition, topic.hasNo(partition) {
                report(waiting, topic, noPartition(partition, topic))
                continue
            }
            waiting.withRecord { record in
                place(
                    record, waiting.bufferBytes, topic, waiting.partition, now,
                    waited: waiting.waited)
            }
            for token in flushes.ended(waiting.waited.generation) {
                effects.append(.flushed(token))
            }
        }
    }

    // MARK: Waiting

    /// Looks at it again when something of it has waited long enough.
    func watch(_ topic: ProducerTopic, _ now: Instant) {
        guard let at = topic.nextDeadline(settings, after: now),
            at < topic.watchedAt ?? .distantFuture
        else { return }
        topic.watchedAt = at
        topicDeadlines.insert(topic, at: at)
    }

    func look(at topic: ProducerTopic, _ now: Instant) {
        while let first = topic.unplaced.first, topic.end(of: first, settings) <= now,
            let record = topic.unplaced.popFirst()
        {
            unplacedCount -= 1
            report(
                record, topic,
                topic.trouble?.failure
                    ?? ProduceFailure(.timedOut, "the topic's partitions were not told in time"))
        }
        guard let (failure, since) = topic.trouble,
            since.adding(milliseconds: settings.propagationMilliseconds) <= now
        else { return }
        for queue in topic.queues { failUnsent(of: queue, failure) }
        forget(topic)
    }

    func failUnplaced(_ topic: ProducerTopic, _ failure: ProduceFailure) {
        for record in topic.unplaced.takeAll() {
            unplacedCount -= 1
            report(record, topic, failure)
        }
    }

    private func report(
        _ record: UnplacedRecord, _ topic: ProducerTopic, _ failure: ProduceFailure
    ) {
        report(
            DeliveryReport(
                topic: topic.name, partition: -1, tokens: [record.token],
                result: .failed(failure), bufferBytes: record.bufferBytes),
            record.waited.generation)
    }
}

extension ProducerTopic {
    /// When the record that waits has waited long enough.
    func end(of record: UnplacedRecord, _ settings: ProducerSettings) -> Instant {
        let limit =
            trouble == nil
            ? settings.deliveryTimeoutMilliseconds
            : min(settings.propagationMilliseconds, settings.deliveryTimeoutMilliseconds)
        return record.waited.acceptedAt.adding(milliseconds: limit)
    }

    /// nil: nothing of it is waited for.
    func nextDeadline(_ settings: ProducerSettings, after now: Instant) -> Instant? {
        let moments = [
            unplaced.first.map { end(of: $0, settings) },
            trouble.map { $0.since.adding(milliseconds: settings.propagationMilliseconds) },
        ]
        return moments.compactMap { $0 }.filter { $0 > now }.min()
    }
}
