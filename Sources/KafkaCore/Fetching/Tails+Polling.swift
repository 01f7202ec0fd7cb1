import KafkaProtocol
import Timing

/// The long polls.
extension Tails {
    func flush() {
        for tail in all where tail.fetch == nil && tail.pace.allows(context.now) {
            if !tail.follows.isEmpty { poll(tail) }
            for follow in tail.follows { follow.isBetweenPolls = false }
            if tail.follows.isEmpty && tail.session.isOpen { closeSession(tail) }
        }
    }

    /// Nobody is left to wait. A broker has room for so many sessions, cluster-wide, and would keep
    /// this one for minutes (KIP-227).
    private func closeSession(_ tail: TailReader) {
        guard let connection = tail.broker.broker.connection(for: .tail(tail.isolation)),
            connection.id == tail.sessionConnection
        else { return tail.session.reset() }
        guard connection.isFree,
            let version = connection.versions.version(
                of: FetchRequest.self, atMost: tail.session.usesIDs ? .max : 12)
        else { return }
        var request = FetchRequest(
            maxWaitMilliseconds: 0, minBytes: 0, maxBytes: 0,
            isolationLevel: tail.isolation.rawValue)
        tail.session.close(&request)
        let fetch = TailFetch(self, tail, [], waitMilliseconds: 0)
        tail.fetch = fetch
        connection.send(
            request, version: version, for: fetch,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds)
    }

    private func poll(_ tail: TailReader) {
        for follow in tail.follows where isUnused(follow) { unfollow(follow) }
        // Its last readers are between two reads: nothing new is asked for meanwhile.
        guard !tail.follows.isEmpty, let connection = free(tail) else { return }
        for follow in tail.follows { follow.settlePosition() }
        let hasIDs = tail.follows.allSatisfy { $0.partition.topic.id != .zero }
        guard
            let version = connection.versions.version(
                of: FetchRequest.self, atMost: hasIDs ? .max : 12)
        else { return tail.follows.forEach(unfollow) }
        send(tail, connection, version, usesIDs: hasIDs && version >= 13)
    }

    private func free(_ tail: TailReader) -> BrokerConnection? {
        guard let connection = state.links.free(.tail(tail.isolation), tail.broker.broker) else {
            return nil
        }
        if connection.id != tail.sessionConnection {
            tail.session.reset()
            tail.sessionConnection = connection.id
        }
        return connection
    }

    private func send(
        _ tail: TailReader, _ connection: BrokerConnection, _ version: Int16, usesIDs: Bool
    ) {
        let limits = context.limits
        let settled = tail.changedAt.adding(milliseconds: TailReader.settledMilliseconds)
        let patience =
            settled <= context.now
            ? limits.tailWaitMilliseconds : limits.tailWaitShortMilliseconds
        let wait = min(patience, context.settings.fetchMaxWaitMilliseconds)
        var request = FetchRequest(
            maxWaitMilliseconds: wait, minBytes: 1,
            maxBytes: Int32(clamping: limits.tailResponseBytesMax),
            isolationLevel: tail.isolation.rawValue)
        request.rackID = state.rack(for: tail.follows.lazy.map(\.partition))
        let wishes = tail.follows.map(wish)
        tail.session.prepare(&request, wishes: wishes, usesIDs: usesIDs, now: context.now)
        let fetch = TailFetch(
            self, tail,
            tail.follows.map {
                TailFetch.Item(follow: $0, partition: $0.partition, offset: $0.position)
            }, waitMilliseconds: Int64(wait))
        tail.fetch = fetch
        for follow in tail.follows {
            follow.isPolled = true
            follow.joinPace.reset()
        }
        connection.send(
            request, version: version, for: fetch,
            timeoutMilliseconds: context.settings.requestTimeoutMilliseconds + Int64(wait),
            waitMilliseconds: Int64(wait))
    }

    private func wish(_ follow: Follow) -> FetchSession.Wish {
        let partition = follow.partition
        return FetchSession.Wish(
            partition: partition.partition,
            known: FetchSession.Known(
                offset: follow.position, leaderEpoch: partition.leaderEpoch,
                lastFetchedEpoch: partition.nearby != nil
                    ? -1 : partition.log.run(endingAt: follow.position)?.leaderEpoch ?? -1,
                bytesMax: Int32(clamping: context.limits.tailPartitionBytesMax)))
    }
}
