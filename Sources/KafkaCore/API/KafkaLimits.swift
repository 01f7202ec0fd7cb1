/// The bounds of a cluster's client, each with the reason for its default.
public struct KafkaLimits: Sendable {
    /// The largest response that is accepted; 100 MiB as librdkafka, Sarama and franz-go.
    public var responseBytesMax = 100 << 20
    /// Bytes that the point reads of one loop may have asked for at a time, all clusters together.
    public var outstandingReadBytesMax = 8 << 20
    /// Asked of a partition at least: neighbours at nearby offsets are then served by one read.
    public var pointReadBytesMin = 64 << 10
    /// Asked of a partition at most, unless its next batch alone is larger.
    public var pointReadBytesMax = 8 << 20
    /// How far a read that goes on where the cache ends may read ahead.
    public var readAheadBytesMax = 1 << 20
    /// Partitions in one point-read request.
    public var partitionsPerRequestMax = 256
    /// Asked of a partition and of a whole response by the tail's long poll.
    public var tailPartitionBytesMax = 1 << 20
    public var tailResponseBytesMax = 2 << 20
    /// How long the broker may hold a long poll with nothing to tell. While followers come and go
    /// it is `tailWaitShortMilliseconds`, because they join only when the poll is back.
    public var tailWaitMilliseconds: Int32 = 500
    public var tailWaitShortMilliseconds: Int32 = 100
    /// How often a follower that waits for the poll in flight looks for itself.
    public var tailJoinPollMilliseconds: Int64 = 20
    /// How long a partition stays followed after its last waiting reader was served.
    public var tailLingerMilliseconds: Int64 = 1_000
    /// What is known of a topic is not asked for again within this time, whatever readers want.
    public var metadataMinAgeMilliseconds: Int64 = 250
    /// How old what is known of a topic may be that somebody follows with all its partitions: a
    /// new one is missed for so long. `metadata_max_age_ms` of the route may be less.
    public var followedTopicAgeMilliseconds: Int64 = 10_000
    /// The longest pause that a broker may ask for after a response (`throttle_time_ms`). Kafka's
    /// quotas reckon in windows of a second; a broker's own numbers are honoured up to an hour.
    public var throttleMillisecondsMax: Int64 = 3_600_000
    /// Topics that one cluster's client remembers, unless more are in use: a few megabytes. The
    /// next new name takes the place of one that nobody uses.
    public var topicsMax = 10_000
    /// How long a name that the cluster does not know is remembered after its last use: a client
    /// may name as many as it likes.
    public var unknownTopicMilliseconds: Int64 = 5_000
    /// Names in one metadata request: brokers put its answer together in one piece.
    public var topicsPerRequestMax = 1_000
    /// When the next node is tried for metadata beside one that does not answer: the delay that
    /// RFC 8305 section 5 recommends for addresses.
    public var nextNodeAfterMilliseconds: Int64 = 250
    /// How long a broker may be silent beyond the wait that a request allows before it counts as
    /// late: far above a round trip around the world (0.3 s), far below the time after which
    /// clusters give up a broker (`broker.session.timeout.ms`, 9 s).
    public var answerLateMilliseconds: Int64 = 1_000
    /// While an answer is late, others are asked for the leaders at least so often.
    public var lateQuestionMilliseconds: Int64 = 1_000
    /// How long cached records of a partition are served without an answer about it: it may have
    /// been deleted, re-created or cut meanwhile.
    public var cacheTrustMilliseconds: Int64 = 1_000
    /// How long a partition is read at its leader after a replica that the leader had named did not
    /// serve (KIP-392): it may be out of our reach while the leader reaches it.
    public var nearbyReplicaAvoidedMilliseconds: Int64 = 60_000
    /// How long a reader whose records are cached waits for a broker to say whether there are more:
    /// one that is frozen must not take away what is known.
    public var cacheWaitMilliseconds: Int64 = 1_000
    /// How soon brokers are asked to log in again at the earliest (KIP-368), however short the
    /// lifetime that they tell: each login costs them thousands of rounds of HMAC.
    public var reauthenticationMinMilliseconds: Int64 = 1_000
    /// Waiting reads and look-ups of one cluster.
    public var waitingReadersMax = 1 << 20
    /// Bytes of records that a turn compresses and sends.
    public var produceBytesPerTurn = 1 << 20
    /// Bytes of requests without an answer (`acks` 0) that a connection carries before the broker
    /// is asked whether it has read them: half of what may wait in the sockets.
    public var unansweredBytesMax = 512 << 10
    /// How long the other replicas may take (`acks` all) before the leader counts as silent: more
    /// than a pause of theirs takes, less than `broker.session.timeout.ms`.
    public var replicationMilliseconds: Int64 = 4_000
    /// How long a producer that several share is kept though nobody uses it: its batches go on in
    /// the sequence that the brokers know.
    public var producerIdleMilliseconds: Int64 = 60_000
    /// How long the partitions of a topic stay known to a producer that sends nothing there
    /// (`metadata.max.idle.ms`).
    public var producedTopicIdleMilliseconds: Int64 = 300_000
    /// The longest topic name; Kafka's own limit.
    public var topicNameBytesMax = 249

    /// The first pause before anything is tried again; it doubles up to the settings' maximum
    /// (KIP-580). Kafka's own `retry.backoff.ms`.
    static let firstRetryMilliseconds: Int64 = 100

    public init() {}
}
