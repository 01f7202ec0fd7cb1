/// Which Kafka a cluster says it is: the request versions that it advertises and serves, as real
/// brokers of these releases do.
public enum BrokerProfile: String, Sendable, CaseIterable {
    case kafka2_1 = "2.1"
    case kafka2_8 = "2.8"
    case kafka3_9 = "3.9"
    case kafka4_1 = "4.1"

    /// What the releases advertise for the APIs that exist here, by API key; the columns are 2.1,
    /// 2.8, 3.9 and 4.1.
    private static let table: [(key: Int16, versions: [ClosedRange<Int16>?])] = [
        (0, [0...7, 0...9, 0...11, 0...13]),  // Produce
        (1, [0...10, 0...12, 0...17, 4...18]),  // Fetch
        (2, [0...4, 0...6, 0...9, 1...10]),  // ListOffsets
        (3, [0...7, 0...11, 0...12, 0...13]),  // Metadata
        (8, [0...6, 0...8, 0...9, 2...9]),  // OffsetCommit
        (9, [0...5, 0...7, 0...9, 1...9]),  // OffsetFetch
        (10, [0...2, 0...3, 0...6, 0...6]),  // FindCoordinator
        (11, [0...3, 0...7, 0...9, 0...9]),  // JoinGroup
        (12, [0...2, 0...4, 0...4, 0...4]),  // Heartbeat
        (13, [0...2, 0...4, 0...5, 0...5]),  // LeaveGroup
        (14, [0...2, 0...5, 0...5, 0...5]),  // SyncGroup
        (15, [0...2, 0...5, 0...5, 0...6]),  // DescribeGroups
        (16, [0...2, 0...4, 0...5, 0...5]),  // ListGroups
        (17, [0...1, 0...1, 0...1, 0...1]),  // SaslHandshake
        (18, [0...2, 0...3, 0...4, 0...4]),  // ApiVersions
        (19, [0...3, 0...7, 0...7, 2...7]),  // CreateTopics
        (20, [0...3, 0...6, 0...6, 1...6]),  // DeleteTopics
        (21, [0...1, 0...2, 0...2, 0...2]),  // DeleteRecords
        (22, [0...1, 0...4, 0...5, 0...5]),  // InitProducerId
        (23, [0...2, 0...4, 0...4, 2...4]),  // OffsetForLeaderEpoch
        (24, [0...1, 0...3, 0...5, 0...5]),  // AddPartitionsToTxn
        (25, [0...1, 0...3, 0...4, 0...4]),  // AddOffsetsToTxn
        (26, [0...1, 0...3, 0...4, 0...5]),  // EndTxn
        (28, [0...2, 0...3, 0...4, 0...5]),  // TxnOffsetCommit
        (32, [0...2, 0...4, 0...4, 1...4]),  // DescribeConfigs
        (36, [0...0, 0...2, 0...2, 0...2]),  // SaslAuthenticate
        (37, [0...1, 0...3, 0...3, 0...3]),  // CreatePartitions
        (42, [0...1, 0...2, 0...2, 0...2]),  // DeleteGroups
        (60, [nil, 0...0, 0...1, 0...2]),  // DescribeCluster
    ]

    private var column: Int { Self.allCases.firstIndex(of: self).unsafelyUnwrapped }

    /// The versions that the release has of each API, ascending by key.
    var released: [(key: Int16, versions: ClosedRange<Int16>)] {
        Self.table.compactMap { row in row.versions[column].map { (row.key, $0) } }
    }

    /// Finalized features (KIP-584) that clients act on; empty before KRaft.
    var finalizedFeatures: [(name: String, level: Int16)] {
        switch self {
        case .kafka2_1, .kafka2_8: []
        case .kafka3_9: [("metadata.version", 21)]
        case .kafka4_1: [("transaction.version", 2), ("metadata.version", 27)]
        }
    }

    /// 2: transactions begin with their first Produce (KIP-890 part 2).
    var transactionVersion: Int16 {
        finalizedFeatures.first { $0.name == "transaction.version" }?.level ?? 0
    }

    /// KIP-890: brokers since 3.6 ask the coordinator before they store a transaction's batch.
    var verifiesTransactions: Bool { self == .kafka3_9 || self == .kafka4_1 }

    /// KIP-516: brokers since 2.8 have topic ids.
    public var hasTopicIDs: Bool { self != .kafka2_1 }
}
