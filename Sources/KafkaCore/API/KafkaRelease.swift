import KafkaProtocol

/// A release of Apache Kafka, as the newest whose requests may be used: whoever has set it keeps
/// away from what newer brokers do otherwise. Brokers that are older still say so themselves.
public struct KafkaRelease: Hashable, Sendable {
    /// A place in `releases`.
    private let column: Int

    /// Those in which requests of ours have changed; what lies between two counts as the older one.
    private static let releases: [(major: Int, minor: Int)] = [
        (1, 1), (2, 0), (2, 1), (2, 3), (2, 5), (2, 8), (3, 3), (3, 7), (3, 9), (4, 0), (4, 1),
        (4, 2),
    ]

    /// The newest version of each request, by release; -1: it has none.
    private static let table: [(key: Int16, newest: [Int16])] = [
        (0, [5, 6, 7, 7, 8, 9, 9, 10, 11, 12, 13, 13]),  // Produce
        (1, [7, 8, 10, 11, 11, 12, 13, 16, 17, 17, 18, 18]),  // Fetch
        (2, [2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10, 11]),  // ListOffsets
        (3, [5, 6, 7, 8, 9, 11, 12, 12, 12, 13, 13, 13]),  // Metadata
        (8, [3, 4, 6, 7, 8, 8, 8, 9, 9, 9, 9, 10]),  // OffsetCommit
        (9, [3, 4, 5, 5, 7, 7, 8, 9, 9, 9, 9, 10]),  // OffsetFetch
        (10, [1, 2, 2, 2, 3, 3, 4, 4, 6, 6, 6, 6]),  // FindCoordinator
        (11, [2, 3, 3, 5, 7, 7, 9, 9, 9, 9, 9, 9]),  // JoinGroup
        (12, [1, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4]),  // Heartbeat
        (13, [1, 2, 2, 2, 4, 4, 5, 5, 5, 5, 5, 5]),  // LeaveGroup
        (14, [1, 2, 2, 3, 5, 5, 5, 5, 5, 5, 5, 5]),  // SyncGroup
        (17, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),  // SaslHandshake
        (22, [0, 1, 1, 1, 3, 4, 4, 4, 5, 5, 5, 5]),  // InitProducerId
        (23, [0, 1, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4]),  // OffsetForLeaderEpoch
        (24, [0, 1, 1, 1, 1, 3, 3, 4, 5, 5, 5, 5]),  // AddPartitionsToTxn
        (25, [0, 1, 1, 1, 1, 3, 3, 3, 4, 4, 4, 4]),  // AddOffsetsToTxn
        (26, [0, 1, 1, 1, 1, 3, 3, 3, 4, 5, 5, 5]),  // EndTxn
        (28, [0, 1, 2, 2, 3, 3, 3, 3, 4, 5, 5, 5]),  // TxnOffsetCommit
        (36, [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2]),  // SaslAuthenticate
        (60, [-1, -1, -1, -1, -1, 0, 0, 1, 1, 2, 2, 2]),  // DescribeCluster
        (68, [-1, -1, -1, -1, -1, -1, -1, 0, 0, 1, 1, 1]),  // ConsumerGroupHeartbeat
    ]

    /// "1.1", "2.8.1": two to four numbers, from 1.1 on. nil: it is none.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } && part.utf8.count <= 4
                ? Int(part) : nil
        }
        guard (2...4).contains(parts.count), numbers.count == parts.count else { return nil }
        let column = Self.releases.lastIndex {
            ($0.major, $0.minor) <= (numbers[0], numbers[1])
        }
        guard let column else { return nil }
        self.column = column
    }

    /// -1: it has no such request.
    func newest(_ apiKey: Int16) -> Int16 {
        Self.table.first { $0.key == apiKey }?.newest[column] ?? .max
    }
}
