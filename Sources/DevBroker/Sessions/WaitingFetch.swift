import KafkaProtocol
import Timing

/// A Fetch on its way, perhaps waiting for records (KIP-227 session or not).
final class WaitingFetch {
    let context: RequestContext
    let partitions: [FetchedPartition]
    /// nil: without a session.
    let session: FetchSession?
    /// Whether only news are answered.
    let isIncremental: Bool
    let isCommitted: Bool
    /// Where the reader says that it is (KIP-392); empty: it does not.
    let rack: String
    let minBytes: Int
    let maxBytes: Int

    init(
        context: RequestContext, partitions: [FetchedPartition], session: FetchSession?,
        isIncremental: Bool, isCommitted: Bool, rack: String, minBytes: Int, maxBytes: Int
    ) {
        self.context = context
        self.partitions = partitions
        self.session = session
        self.isIncremental = isIncremental
        self.isCommitted = isCommitted
        self.rack = rack
        self.minBytes = minBytes
        self.maxBytes = maxBytes
    }
}
