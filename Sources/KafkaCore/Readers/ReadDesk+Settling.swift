import KafkaProtocol
import Timing

/// What responses, lost connections and outages change for the reads that wait.
extension ReadDesk {
    /// All of them leave their queue at once, so that nobody finds one there, and places or answers
    /// it, whose turn has not come yet.
    func take(_ readers: inout SlotList<Reader>) -> [Reader] { leave(readers.takeAll()) }

    private func take(_ follow: Follow) -> [Reader] {
        if !follow.waiters.isEmpty { follow.lastWaiterAt = context.now }
        return leave(follow.takeWaiters())
    }

    private func leave(_ readers: SlotList<Reader>) -> [Reader] {
        let taken = Array(readers)
        for reader in taken { reader.place = .nowhere }
        return taken
    }

    /// New records are cached: demands that are not sent yet may be served by them.
    func serveDemands(_ partition: PartitionReads, in range: Range<Int64>) {
        for demand in partition.demands.all(in: range) {
            attempt(demand, partition)
            points.forgetUnwanted(demand)
        }
    }

    /// New records are cached: whoever waited for them at the end.
    func serveWaiters(_ partition: PartitionReads) {
        for isolation in Isolation.allCases {
            guard let follow = partition.follow(isolation) else { continue }
            walks.begin(follow)
            for reader in take(follow) {
                if case .waitsAt(let offset) = serve(reader, partition, on: .news) {
                    follow.join(reader, at: offset, now: context.now)
                    reader.place = .tail(follow)
                }
            }
        }
    }

    /// The demand will not be answered: its readers are served from the cache, or begin anew.
    func attempt(_ demand: Demand, _ partition: PartitionReads) {
        for reader in take(&demand.readers) {
            attempt(reader, partition)
        }
    }

    /// A run of a response is cached, and more may push it out again: whoever has enough is served.
    func serveEarly(_ demand: Demand, _ partition: PartitionReads) {
        serve(demand, partition, on: .partOfAnswer)
    }

    /// Serves whom it can; the others wait on.
    func serve(_ demand: Demand, _ partition: PartitionReads) {
        serve(demand, partition, on: .attempt)
    }

    private func serve(_ demand: Demand, _ partition: PartitionReads, on occasion: Occasion) {
        for reader in take(&demand.readers) {
            if case .waitsAt = serve(reader, partition, on: occasion) {
                demand.readers.append(reader)
                reader.place = .demand(demand)
            }
        }
    }

    /// The demand's request was answered and its records are cached. `end`: what the response
    /// told as the end for this isolation level.
    func settle(_ demand: Demand, _ partition: PartitionReads, end: Int64, sentAt: Instant) {
        for reader in take(&demand.readers) {
            reader.learnEnd(end)
            guard case .waitsAt(let offset) = serve(reader, partition) else { continue }
            resume(reader)
            if offset >= end {
                settleAtEnd(reader, partition, at: offset)
            } else if offset == demand.offset {
                starve(reader, partition, demand)
            } else {
                // What was cached in front of it was evicted meanwhile, or is not the log's.
                if offset < demand.offset { reader.takesWhatIsThere = true }
                self.demand(reader, partition, at: offset)
            }
        }
    }

    /// The records could be read up to some offset only. Whoever stands there is told why; others
    /// get what is in front of it.
    func settleBroken(_ demand: Demand, _ partition: PartitionReads, _ broken: RunBuilder.Failure) {
        for reader in take(&demand.readers) {
            reader.isFresh = true
            reader.takesWhatIsThere = true
            guard case .waitsAt(let offset) = serve(reader, partition) else { continue }
            // A bit that flipped on the way is not the log's: a subscription, which this would end,
            // takes another look first.
            let isCorrupt = broken.failure.code == KafkaError.corruptMessage.rawValue
            guard isCorrupt, reader.isLive, !reader.hasSeenCorruption else {
                fail(reader, broken.failure)
                continue
            }
            reader.hasSeenCorruption = true
            self.demand(reader, partition, at: offset)
        }
    }

    private func settleAtEnd(_ reader: Reader, _ partition: PartitionReads, at offset: Int64) {
        reader.hasSeenEnd = true
        guard reader.waits(at: context.now) else { return empty(reader, partition) }
        guard partition.source != nil else { return demand(reader, partition, at: offset) }
        join(
            reader, tails.follow(partition, reader.request.isolation, at: offset), at: offset)
    }

    /// Records are there and did not come: other partitions filled the response, or the next batch
    /// is larger than what was asked for (KIP-74).
    private func starve(_ reader: Reader, _ partition: PartitionReads, _ starved: Demand) {
        reader.takesWhatIsThere = true
        demand(reader, partition, at: starved.offset)
        guard case .demand(let demand) = reader.place, demand !== starved else { return }
        demand.starvations = max(demand.starvations, starved.starvations + 1)
        demand.bytesMin = max(demand.bytesMin, starved.bytesMin)
        points.favour(partition)
        if demand.starvations > 3 { points.pause(partition) }
    }

    /// Its partition does not exist any more: begins by name.
    func beginAnew(_ demand: Demand) {
        for reader in take(&demand.readers) { resolve(reader) }
    }

    /// Everybody in the demand is told.
    func fail(_ demand: Demand, _ failure: KafkaFailure) {
        for reader in take(&demand.readers) {
            fail(reader, failure)
        }
    }

    /// The tail does not reach these readers any more: point reads find out why.
    func leaveTail(_ follow: Follow) {
        for reader in take(follow) + takeFollowers(follow) {
            switch serve(reader, follow.partition) {
            case .served: break
            case .waitsAt(let offset): demand(reader, follow.partition, at: offset)
            }
        }
    }

    /// What is cached is better than a failure, even if the reader wants more.
    func serveOrFail(_ reader: Reader, _ partition: PartitionReads, _ failure: KafkaFailure) {
        let takesLess = reader.takesWhatIsThere
        reader.takesWhatIsThere = true
        if case .served = serve(reader, partition) { return }
        reader.takesWhatIsThere = takesLess
        failOrPark(reader, failure)
    }

    /// Fails everybody who waits for a broker that cannot be reached.
    func brokersAreAway(_ failure: KafkaFailure) {
        for partition in state.partitions.all
        where partition.source == nil || partition.source?.broker.hasFailed == true {
            for reader in takeAll(partition) { serveOrFail(reader, partition, failure) }
        }
    }
}
