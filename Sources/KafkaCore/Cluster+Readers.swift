import KafkaProtocol
import Timing

// What readers ask for.
extension Cluster {
    /// May finish at once, through `effects`, when the cache has the records.
    public func read(
        _ token: ReadToken, _ request: ReadRequest, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) {
            desk.start(token, request)
            context.needFlush()
        }
    }

    /// Forgets a read; no outcome follows. Unknown tokens are ignored.
    public func cancel(_ token: ReadToken) {
        desk.cancel(token)
        noteCancel()
    }

    /// Timestamps: milliseconds since 1970, or -1 latest, -2 earliest, -3 largest timestamp,
    /// -4 earliest local, -5 latest tiered; what the broker's version lacks fails, it is never
    /// guessed at.
    public func listOffset(
        _ token: RequestToken, topic: String, partition: Int32, timestamp: Int64,
        isolation: Isolation, now: Instant, _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) {
            let deadline = context.now.adding(milliseconds: settings.requestTimeoutMilliseconds)
            lister.start(
                OffsetLookup(
                    topic: topic, partition: partition, timestamp: timestamp,
                    isolation: isolation, deadline: deadline, token: token
                ) { [unowned self] result in context.emit(.offsetFinished(token, result)) })
            context.needFlush()
        }
    }

    /// `topics` nil: all that the principal may see, internal ones included. `age`: what is known
    /// of the topics and not older, in milliseconds, is the answer.
    public func metadata(
        _ token: RequestToken, topics: [String]?, notOlderThan age: Int64 = 0, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) {
            if age > 0, let topics, let known = keeper.described(topics, notOlderThan: age) {
                return context.emit(.metadataFinished(token, .success(known)))
            }
            if let outage = keeper.currentOutage {
                return context.emit(.metadataFinished(token, .failure(outage.asBootstrapFailure)))
            }
            let deadline = context.now.adding(milliseconds: settings.requestTimeoutMilliseconds)
            keeper.add(MetadataLookup(token, topics: topics, deadline: deadline))
            context.needFlush()
        }
    }

    /// How old what is known of a topic may be whose partitions are followed, those to come too.
    public var followedTopicAgeMilliseconds: Int64 {
        min(context.limits.followedTopicAgeMilliseconds, settings.metadataMaxAgeMilliseconds)
    }

    /// Forgets a look-up; no outcome follows.
    public func cancel(_ token: RequestToken) {
        if !keeper.cancel(token) { lister.cancel(token) }
        noteCancel()
    }

    /// What the cache has for a read, where it would finish at once; nil: it has to be begun, by
    /// `read`. Costs a fraction of that, and leaves nothing behind.
    public func cached(_ request: ReadRequest, now: Instant) -> RecordSlice? {
        context.pass(to: now)
        return desk.cached(request)
    }

    /// Which log a partition has, for readers that come back to it; nil: not known.
    public func log(of topic: String, _ partition: Int32) -> LogIdentity? {
        keeper.knownTopic(topic)?.partitions[partition].map(desk.log(of:))
    }

    /// What keeps requests about the partition from being answered; nil: nothing that is known.
    public func obstacle(topic: String, _ partition: Int32) -> KafkaFailure? {
        if let outage = keeper.currentOutage { return outage }
        guard let partition = keeper.knownTopic(topic)?.partitions[partition] else { return nil }
        guard let leader = partition.leader else { return .noLeader(cause: partition.name) }
        return leader.lastFailure.map(desk.told)
    }
}
