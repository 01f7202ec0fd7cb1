import KafkaProtocol
import Timing

extension Producer {
    /// What the cluster tells about a topic that was asked for; all of its partitions.
    public func tell(
        _ name: String, id: KafkaUUID, _ partitions: [PartitionLeader], now: Instant
    ) {
        guard let topic = topics[name] else { return }
        let valid = partitions.filter { (0..<ProducerTopic.partitionsMax).contains($0.index) }
        if topic.id != id { topic.becameAnother(id) }
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
        topic.trouble = failure
        guard isFinal else { return giveUpUnknown(topic, now) }
        failUnplaced(topic, failure)
        for queue in topic.queues where queue.leader < 0 { fail(queue.takeAll(), failure) }
        topic.state = .unknown(since: nil)
    }

    /// A broker that is not the leader has told who is (KIP-951).
    func follow(_ leader: PartitionLeader, _ queue: PartitionQueue, _ now: Instant) {
        guard leader.leader >= 0, leader.epoch > queue.leaderEpoch else { return }
        let old = queue.leader
        guard queue.lead(leader.leader, epoch: leader.epoch) else { return }
        move(queue, from: old)
        relist(queue, now)
    }

    private func move(_ queue: PartitionQueue, from old: Int32) {
        nodes.removed(queue.unsent, from: old, settings.triggers)
        if nodes.added(queue.unsent, to: queue.leader, settings.triggers) {
            sealAll(of: queue.leader)
        }
    }

    func want(_ topic: ProducerTopic, _ now: Instant) {
        guard case .unknown(nil) = topic.state else { return }
        topic.state = .unknown(since: now)
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
        topic.trouble = nil
        for waiting in topic.unplaced.takeAll() {
            waiting.withRecord { record in
                place(
                    record, waiting.bufferBytes, topic, waiting.partition, now,
                    waited: waiting.waited)
            }
            for token in flushes.ended(waiting.waited.generation) {
                effects.append(.flushed(token))
            }
        }
        topicsThatWait.removeAll { $0 === topic }
    }

    // MARK: Ends

    func failUnplaced(_ topic: ProducerTopic, _ failure: ProduceFailure) {
        for record in topic.unplaced.takeAll() { fail(record, topic, failure) }
        topicsThatWait.removeAll { $0 === topic }
    }

    /// Nobody knows the topic, and it was waited for long enough.
    func giveUpUnknown(_ topic: ProducerTopic, _ now: Instant) {
        guard let failure = topic.trouble else { return }
        while let first = topic.unplaced.first,
            first.waited.acceptedAt.adding(milliseconds: settings.propagationMilliseconds) <= now,
            let record = topic.unplaced.popFirst()
        { fail(record, topic, failure) }
    }

    /// Records without a place have deadlines as well.
    func expireUnplaced(_ topic: ProducerTopic, _ now: Instant) {
        while let first = topic.unplaced.first,
            first.waited.acceptedAt.adding(milliseconds: settings.deliveryTimeoutMilliseconds)
                <= now,
            let record = topic.unplaced.popFirst()
        {
            fail(
                record, topic,
                topic.trouble
                    ?? ProduceFailure(.timedOut, "the topic's partitions were not told in time"))
        }
    }

    private func fail(_ record: UnplacedRecord, _ topic: ProducerTopic, _ failure: ProduceFailure) {
        report(
            DeliveryReport(
                topic: topic.name, partition: -1, tokens: [record.token],
                result: .failed(failure), bufferBytes: record.bufferBytes),
            record.waited.generation)
    }
}
