/// What the cache has, and whether that is all there is.
extension ReadDesk {
    /// What the cache has for a read right now, as `start` would answer it at once: nobody has to
    /// wait, so that no reader is needed.
    func cached(_ request: ReadRequest) -> RecordSlice? {
        guard let topic = router.knownTopic(request.topic),
            let known = topic.partitions[request.partition],
            let partition = state.partitions[known],
            // Else somebody has to find out about the broker.
            canAsk(partition), !isUnconfirmed(partition),
            let found = find(partition, from: request.offset, for: request),
            // Else there were gaps only.
            found.recordCount > 0,
            found.isFull
                || (isWhole(found, partition, request)
                    && (found.byteCount >= request.minBytes
                        || (request.waitUntil ?? .zero) <= context.now))
        else { return nil }
        context.counters.readsFromCache += 1
        return RecordSlice(
            log: partition.log, firstOffset: found.firstOffset, nextOffset: found.nextOffset,
            byteCount: found.byteCount, recordCount: found.recordCount,
            position: position(of: partition, request.isolation, isFresh: false),
            isolation: request.isolation)
    }

    func find(
        _ partition: PartitionReads, from offset: Int64, for request: ReadRequest
    ) -> CachedRecords? {
        guard !partition.isDoubtful else { return nil }
        return state.cache.records(
            of: partition.log, from: offset, isolation: request.isolation,
            limit: max(0, request.maxBytes), recordsMax: request.recordsMax)
    }

    /// Whether nothing is missing behind what was found, or nobody can tell: what is cached must
    /// not be taken for all there is.
    func isWhole(
        _ found: CachedRecords, _ partition: PartitionReads, _ request: ReadRequest
    ) -> Bool {
        if found.isFull || request.takesPart || !canAsk(partition) { return true }
        guard let follow = partition.follow(request.isolation), follow.isCurrent else {
            return false
        }
        return follow.position == found.nextOffset
            && partition.end(request.isolation) <= found.nextOffset
    }

    func isWhole(_ found: CachedRecords, _ partition: PartitionReads, for reader: Reader) -> Bool {
        reader.takesPart || found.nextOffset >= reader.end
            || isWhole(found, partition, reader.request)
    }

    /// Whether its leader may answer: one that is not there, or does not answer, must not take away
    /// what is known.
    func canAsk(_ partition: PartitionReads) -> Bool {
        guard let broker = partition.source?.broker, !broker.hasFailed, !broker.isLate else {
            return false
        }
        return !(partition.isSilent && partition.isAsked)
    }

    /// Whether an answer has to back what is cached: nobody has heard of the partition for a
    /// while, and nothing is on its way.
    func needsConfirmation(_ partition: PartitionReads) -> Bool {
        canAsk(partition) && isUnconfirmed(partition)
    }

    private func isUnconfirmed(_ partition: PartitionReads) -> Bool {
        guard partition.pace.retryAt == nil, !partition.isAsked else { return false }
        for isolation in Isolation.allCases where partition.follow(isolation)?.isCurrent == true {
            return false
        }
        guard let confirmedAt = partition.confirmedAt else { return true }
        return confirmedAt.adding(milliseconds: context.limits.cacheTrustMilliseconds)
            <= context.now
    }

    /// Asks what has to be known before cached records are served: of those that fill the reply
    /// whether they still count, else what comes behind them.
    func confirm(_ reader: Reader, _ partition: PartitionReads, _ found: CachedRecords) {
        demand(reader, partition, at: found.isFull ? reader.offset : found.nextOffset)
        if found.isFull, case .demand(let demand) = reader.place { demand.confirms = true }
        limitWait(reader)
    }

    /// Cached records are served without an answer: somebody has to find out whether the broker is
    /// there again.
    func probe(_ partition: PartitionReads) {
        router.wantAgain(partition.topic)
        if let leader = partition.source { _ = state.links.free(.control, leader.broker) }
        context.needFlush()
    }

    /// The broker has had its time: what is cached is served.
    func giveUpAsking(_ reader: Reader, _ partition: PartitionReads) {
        reader.takesPart = true
        if case .demand = reader.place { partition.isSilent = true }
    }
}
