import Bytes
import KafkaProtocol
import Timing

/// What an error of one partition means for its readers.
enum FetchVerdict {
    /// Nothing that the reader can do: it is asked for again, after a pause.
    case retry(KafkaFailure)
    case outOfRange(PartitionPosition)
    case fail(KafkaFailure)
}

/// What the answers of brokers, to point reads and long polls alike, say of a partition.
final class FetchJudge {
    private let context: ClusterContext
    private unowned(unsafe) let router: any ReadRouter
    private unowned(unsafe) let owner: any FetchOwner

    /// KIP-516: right after a topic's creation its id is unknown here and there; after its
    /// re-creation for ever. franz-go bears it five times.
    static let unknownTopicIDsMax = 5

    init(_ context: ClusterContext, router: any ReadRouter, owner: any FetchOwner) {
        self.context = context
        self.router = router
        self.owner = owner
    }

    func verdict(
        _ partition: PartitionReads, _ answer: FetchResponse.Partition, _ response: FetchResponse
    ) -> FetchVerdict {
        let error = KafkaError(answer.errorCode)
        let failure = KafkaFailure.kafka(error.rawValue, cause: partition.name)
        if partition.nearby != nil {
            // It may be behind, or not know of an election yet. Its leader knows.
            owner.readAtLeader(partition)
            return .retry(failure)
        }
        if error == .offsetOutOfRange {
            return .outOfRange(
                PartitionPosition(
                    highWatermark: answer.highWatermark, lastStableOffset: answer.lastStableOffset,
                    logStartOffset: answer.logStartOffset))
        }
        if error.isRefusal {
            // What was read under a right that is gone must not be served any more.
            partition.log.purge()
            return .fail(failure)
        }
        if error == .unknownTopicId {
            partition.unknownTopicIDs += 1
            if partition.unknownTopicIDs > Self.unknownTopicIDsMax {
                partition.unknownTopicIDs = 0
                router.want(partition.topic)
                return .fail(.unknownTopic(cause: "\(partition.name): \(error.name)"))
            }
        }
        switch error {
        case .unknownTopicOrPartition, .unknownTopicId, .inconsistentTopicId:
            partition.isDoubtful = true
        default: break
        }
        guard error.isRetriable else { return .fail(failure) }
        if error.reaction == .metadata || error == .unknownTopicId || error == .fencedLeaderEpoch {
            router.wantAgain(partition.topic)
            follow(hint: answer.currentLeader, of: partition, response)
        }
        return .retry(failure)
    }

    /// KIP-951: the error names the new leader and where it listens. Metadata is asked for all the
    /// same, but nobody has to wait for it.
    private func follow(
        hint: FetchResponse.Leader?, of partition: PartitionReads, _ response: FetchResponse
    ) {
        guard let hint else { return }
        let node = response.nodeEndpoints.first { $0.nodeID == hint.leaderID }
        let endpoint = node.flatMap { Endpoint(told: $0.host, port: $0.port) }
        router.leaderIsNamed(
            LeaderHint(
                partition: partition.partition, nodeID: hint.leaderID, epoch: hint.leaderEpoch,
                endpoint: endpoint))
    }

    /// KIP-595: what we read beyond an offset is not what the leader has. False: it is.
    func truncate(_ partition: PartitionReads, _ answer: FetchResponse.Partition) -> Bool {
        guard answer.errorCode == 0, let diverging = answer.divergingEpoch,
            diverging.endOffset >= 0
        else { return false }
        tellTruncation(partition, "truncated to \(diverging.endOffset) by its leader")
        partition.log.truncate(to: diverging.endOffset)
        return true
    }

    /// KIP-392: the leader names a replica that is nearer to us, and sends no records. False: it
    /// does not.
    func redirect(_ partition: PartitionReads, _ answer: FetchResponse.Partition) -> Bool {
        guard answer.errorCode == 0, answer.preferredReadReplica >= 0,
            answer.records?.count ?? 0 == 0
        else { return false }
        owner.readNearby(partition, answer.preferredReadReplica)
        return true
    }

    /// Takes over the offsets that a good answer tells. `sentAt`: of its request, where that is
    /// known to be younger than what else has come.
    func learn(
        _ partition: PartitionReads, _ answer: FetchResponse.Partition, _ isolation: Isolation,
        sentAt: Instant? = nil
    ) {
        // A replica may be behind what was read at the leader.
        if let sentAt, partition.nearby == nil {
            noteEnd(answer.highWatermark, of: partition, sentAt: sentAt)
        }
        partition.confirmedAt = context.now
        partition.isDoubtful = false
        partition.isSilent = false
        _ = partition.truncation.ends(now: context.now)
        partition.position = PartitionPosition(
            highWatermark: answer.highWatermark, lastStableOffset: answer.lastStableOffset,
            logStartOffset: answer.logStartOffset)
        partition.log.learn(
            logStartOffset: answer.logStartOffset,
            lastStableOffset: answer.stableEnd(isolation))
        partition.unknownTopicIDs = 0
    }

    /// A log that ends before what was read of it, and was asked after that, is not the same log
    /// any more: it was truncated, or its topic was re-created in a cluster without topic ids.
    func noteEnd(_ end: Int64, of partition: PartitionReads, sentAt: Instant) {
        guard end >= 0, end < partition.readTo.offset, partition.readTo.at < sentAt else { return }
        tellTruncation(partition, "ends at \(end), was read up to \(partition.readTo.offset)")
        partition.log.purge()
        // A leader that was just elected may tell of fewer records at first (KIP-207), and one that
        // was elected over others has lost some: only under one leader an end never falls.
        let isOther =
            partition.topic.id == .zero && partition.partition.leaderSince < partition.readTo.at
        partition.readTo = (end, context.now)
        if isOther { owner.restart(partition) }
    }

    func logUnexpected(
        _ topic: FetchResponse.Topic, _ answer: FetchResponse.Partition,
        _ broker: BrokerReads
    ) {
        let name = topic.topic.isEmpty ? topic.topicID.description : topic.topic
        let text = "unexpected partition \(OutsideText.cleaned(name))-\(answer.partitionIndex)"
        let isNews = broker.unexpected.begins(text, now: context.now)
        context.log(isNews ? .warning : .debug, "\(broker.broker.endpoint): \(text)")
    }

    private func tellTruncation(_ partition: PartitionReads, _ text: String) {
        let isNews = partition.truncation.begins(text, now: context.now)
        context.log(isNews ? .warning : .debug, "\(partition.name): \(text)")
    }

    /// Whoever asks for these records meets the same failure: it is told once.
    func tellUnreadable(_ partition: PartitionReads, _ failure: KafkaFailure) {
        let isNews = partition.unreadable.begins(failure.cause, now: context.now)
        context.log(isNews ? .error : .debug, failure.cause)
    }
}

extension FetchResponse.Partition {
    /// Where a committed reader has to stop; -1: not told. Some brokers (Apache Kafka 2.0.0) tell
    /// no last stable offset, and send committed readers nothing beyond it all the same: what
    /// remains is the high watermark.
    fileprivate func stableEnd(_ isolation: Isolation) -> Int64 {
        lastStableOffset < 0 && isolation == .readCommitted ? highWatermark : lastStableOffset
    }
}
