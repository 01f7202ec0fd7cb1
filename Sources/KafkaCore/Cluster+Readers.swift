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
        knownDeadline = nil
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
        knownDeadline = nil
    }

    // MARK: For the parts

    /// Where the partition is read from now on; -1 leaves the epoch as it is.
    func setLeader(_ partition: Partition, _ leader: Broker?, epoch: Int32 = -1) {
        let hasNewEpoch = epoch >= 0 && epoch != partition.leaderEpoch
        // An election may have ended the log elsewhere than where we read it.
        if hasNewEpoch, partition.leaderEpoch >= 0 { partition.log.purge() }
        // Epochs of one log never fall.
        let isOther = hasNewEpoch && epoch < partition.leaderEpoch && partition.topic.id == .zero
        guard partition.leader !== leader || hasNewEpoch else { return }
        partition.leaderSince = context.now
        pointReader.unqueue(partition)
        for isolation in Isolation.allCases {
            if let follow = partition.follow(isolation) { tails.unfollow(follow) }
        }
        pointReader.unqueue(partition)
        if epoch >= 0 {
            partition.leaderEpoch = epoch
            partition.log.identity.leaderEpoch = epoch
        }
        let old = partition.leader
        partition.leader = leader
        // The log's ends are the new leader's to tell.
        partition.position = .unknown
        if let old {
            if old !== leader { lister.takeBack(old, partition) }
            lister.withdraw(partition, from: old)
            pointReader.withdraw(partition, from: old)
        }
        if leader != nil {
            // The new leader's own answers are what makes pauses short again.
            partition.lookupPace.endPause()
            pointReader.resume(partition)
            pointReader.queue(partition)
        } else {
            desk.stall(partition, .noLeader(cause: partition.name))
        }
        if isOther { desk.restart(partition) }
    }

    /// Which log a partition has, for readers that come back to it; nil: not known.
    public func log(of topic: String, _ partition: Int32) -> LogIdentity? {
        keeper.knownTopic(topic)?.partitions[partition]?.log.identity
    }

    /// The offset is out of range: the client is told which offsets are not, so that it can decide.
    /// Brokers don't tell with the error; where this one did not, we ask.
    func tellRange(
        _ reader: Reader, _ partition: Partition, _ told: PartitionPosition = .unknown
    ) {
        guard told.highWatermark < 0 || told.logStartOffset < 0 else {
            return desk.leaveRange(reader, partition, outOfRange(reader, told))
        }
        var position = told
        ask(reader, timestamp: -2) { [unowned self] start in
            position.logStartOffset = start
            ask(reader, timestamp: -1) { [unowned self] end in
                position.highWatermark = end
                guard desk.isWaiting(reader) else { return }
                desk.leaveRange(reader, partition, outOfRange(reader, position))
            }
        }
    }

    private func ask(_ reader: Reader, timestamp: Int64, _ then: @escaping (Int64) -> Void) {
        let limit = context.now.adding(milliseconds: settings.requestTimeoutMilliseconds)
        lister.start(
            OffsetLookup(
                topic: reader.request.topic, partition: reader.request.partition,
                timestamp: timestamp, isolation: .readUncommitted,
                deadline: min(reader.deadline, limit), token: nil
            ) { result in
                switch result {
                case .success(let listed): then(listed.offset)
                case .failure: then(-1)
                }
            })
    }

    private func outOfRange(_ reader: Reader, _ position: PartitionPosition) -> KafkaFailure {
        let request = reader.request
        return .kafka(
            KafkaError.offsetOutOfRange.rawValue,
            cause: "\(request.topic)-\(request.partition) at offset \(reader.offset)",
            position: position)
    }
}
