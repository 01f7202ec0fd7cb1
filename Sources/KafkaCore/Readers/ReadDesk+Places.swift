import Timing

/// Where each read waits, and what it is served from the cache.
extension ReadDesk {
    /// From the name to the partition, by way of the metadata where that is not known.
    func resolve(_ reader: Reader) {
        let request = reader.request
        settle(reader, at: router.place(request.topic, request.partition))
    }

    private func settle(_ reader: Reader, at place: TopicPlace) {
        switch place {
        case .partition(let found):
            let partition = state.reads(of: found)
            if needsTopicID(reader, partition) {
                return settle(reader, at: router.awaited(partition.topic))
            }
            reader.partition = partition
            if bind(reader, to: partition) { attempt(reader, partition) }
        case .awaited(let topic): awaitTopic(reader, topic)
        case .none(let failure): fail(reader, failure)
        case .trouble(let failure): failOrPark(reader, failure)
        }
    }

    func awaitTopic(_ reader: Reader, _ topic: Topic) {
        reader.place = .topic(topic)
        reader.partition = nil
        waitingForTopics.append(reader, for: topic)
    }

    /// Serves the reader from the cache, or queues it for the tail or for a point read.
    func attempt(_ reader: Reader, _ partition: PartitionReads) {
        if !reader.isFresh, needsConfirmation(partition),
            let found = find(partition, from: reader.offset, for: reader.request)
        {
            return confirm(reader, partition, found)
        }
        let waitOffset: Int64
        switch serve(reader, partition) {
        case .served: return canAsk(partition) ? () : probe(partition)
        case .waitsAt(let offset): waitOffset = offset
        }
        if reader.offset < 0 { return tellRange(reader, partition) }
        if reader.waits(at: context.now), let follow = partition.follow(reader.request.isolation),
            follow.position == waitOffset, partition.source != nil
        {
            return join(reader, follow, at: waitOffset)
        }
        if let outage = router.currentOutage, partition.source?.broker.hasFailed == true {
            return serveOrFail(reader, partition, outage)
        }
        demand(reader, partition, at: waitOffset)
        if waitOffset > reader.offset { limitWait(reader) }
    }

    func demand(_ reader: Reader, _ partition: PartitionReads, at offset: Int64) {
        let demand = partition.demand(at: offset, reader.request.isolation)
        demand.confirms = false
        demand.readers.append(reader)
        reader.place = .demand(demand)
        points.queue(partition)
        if partition.source == nil {
            stall(reader, .noLeader(cause: partition.name))
            router.wantAgain(partition.topic)
        }
    }

    func join(_ reader: Reader, _ follow: Follow, at offset: Int64) {
        resume(reader)
        context.needFlush()
        if let follower = reader.follower { return stand(follower, reader, at: follow) }
        // A poll in flight is a request that will tell of records to come; it is as good as one
        // that is sent now.
        if follow.isCurrent {
            reader.hasSeenEnd = true
            reader.end = min(reader.end, follow.position)
        }
        follow.join(reader, at: offset, now: context.now)
        follow.unclaimedBytes = 0
        reader.place = .tail(follow)
    }

    enum Service {
        case served
        /// Nothing, or not enough, is cached before this offset.
        case waitsAt(Int64)
    }

    /// What a reader is served on.
    enum Occasion {
        case attempt
        /// More is on its way, so that only a full answer counts.
        case partOfAnswer
        /// Records have come that it waited for.
        case news
    }

    func serve(
        _ reader: Reader, _ partition: PartitionReads, on occasion: Occasion = .attempt
    ) -> Service {
        if let follower = reader.follower {
            guard follower.credit.isOpen else {
                rest(follower)
                return .served
            }
            reader.request.maxBytes = follower.bytesWanted
            reader.request.recordsMax = follower.credit.recordsMax
        }
        while let found = find(partition, from: reader.offset, for: reader.request) {
            guard found.recordCount > 0 else {
                reader.offset = found.nextOffset
                continue
            }
            guard isEnough(found, reader, partition, occasion) else {
                return .waitsAt(found.nextOffset)
            }
            deliver(reader, partition, found)
            return .served
        }
        return .waitsAt(reader.offset)
    }

    private func isEnough(
        _ found: CachedRecords, _ reader: Reader, _ partition: PartitionReads, _ occasion: Occasion
    ) -> Bool {
        if found.isFull || reader.takesWhatIsThere { return true }
        switch occasion {
        case .partOfAnswer: return false
        case .attempt: if !isWhole(found, partition, for: reader) { return false }
        case .news: break
        }
        return found.byteCount >= reader.request.minBytes || !reader.waits(at: context.now)
    }

    private func deliver(
        _ reader: Reader, _ partition: PartitionReads, _ found: CachedRecords
    ) {
        if reader.isFresh {
            context.counters.readsFromBroker += 1
        } else {
            context.counters.readsFromCache += 1
        }
        let slice = RecordSlice(
            log: partition.log, firstOffset: found.firstOffset, nextOffset: found.nextOffset,
            byteCount: found.byteCount, recordCount: found.recordCount,
            position: position(reader, partition),
            isolation: reader.request.isolation)
        finish(reader, .records(slice))
    }
}
