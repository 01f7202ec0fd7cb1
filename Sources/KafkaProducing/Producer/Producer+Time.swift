import Timing

extension Producer {
    /// nil: nothing is due until another event.
    public var nextDeadline: Instant? {
        var earliest = hasRecords ? identification.nextDeadline : .distantFuture
        if let transactions { earliest = min(earliest, transactions.nextDeadline(isQuiet)) }
        if let batch = lingering.first { earliest = min(earliest, lingerEnd(batch)) }
        if let at = pausing.earliest { earliest = min(earliest, at) }
        if let batch = deadlines.first { earliest = min(earliest, batch.deadline) }
        if let at = topicDeadlines.earliest { earliest = min(earliest, at) }
        return earliest == .distantFuture ? nil : earliest
    }

    private func lingerEnd(_ batch: ProducerBatch) -> Instant {
        batch.createdAt.adding(milliseconds: settings.wait)
    }

    /// Call at or after `nextDeadline`, and after each event that may have brought work.
    public func tick(_ now: Instant) {
        while let batch = lingering.first, lingerEnd(batch) <= now {
            _ = lingering.popFirst()
            if !batch.isDone, batch.queue.noteDue(batch) { nodes.list(batch.queue) }
        }
        while let (at, queue) = pausing.popFirst(notAfter: now) {
            if queue.pausesUntil == at { queue.pausesUntil = nil }
            relist(queue, now)
        }
        while let batch = deadlines.first, batch.deadline <= now { expire(batch, now) }
        while let (at, topic) = topicDeadlines.popFirst(notAfter: now) {
            guard topic.watchedAt == at else { continue }
            topic.watchedAt = nil
            look(at: topic, now)
            if !topic.isForgotten, !topic.isEmpty { watch(topic, now) }
        }
        if settings.availabilityTimeoutMilliseconds > 0 { nodes.look(now) }
        identify(now)
        pursueTransaction(now)
        expireTransaction(now)
    }

    private func expire(_ batch: ProducerBatch, _ now: Instant) {
        let mayBeStored = batch.isOnWire || batch.mayBeStored
        giveUp(batch, isStored: mayBeStored ? nil : false)
        let after = "\(settings.deliveryTimeoutMilliseconds) ms"
        report(
            batch,
            .failed(
                batch.queue.leader < 0
                    ? batch.queue.topic.trouble?.failure
                        ?? ProduceFailure(.unavailable, "no leader within \(after)")
                    : ProduceFailure(
                        .timedOut, "not delivered within \(after)", mayBeStored: mayBeStored)))
        // Those behind it may have waited for it.
        relist(batch.queue, now)
    }
}
