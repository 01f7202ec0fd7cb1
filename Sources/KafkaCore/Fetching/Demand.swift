import Timing

/// Readers of one partition that one point read at one offset serves. Readers join only while it
/// is not sent: an answer to an earlier request must not tell them that nothing is there.
final class Demand: Joinable {
    unowned(unsafe) let partition: PartitionReads
    let offset: Int64
    let isolation: Isolation
    var readers = SlotList<Reader>()
    var isSent = false
    /// Bytes to ask for beyond what the readers want: the next batch is larger than that.
    var bytesMin = 0
    /// The readers' records are cached, and only wait for the broker to say that they still count.
    var confirms = false
    /// An answer came late, and was not believed.
    var wasDoubted = false
    /// While it is sent: the offsets in front of it are on their way, as far as anybody knows.
    var expectedEnd = Int64.min
    /// How many the partition had sent when another went first, because what this wants was on its
    /// way. Nobody is sure of that: it is not passed over for ever.
    var passedOverAt: Int?
    /// Responses that brought nothing though records are there.
    var starvations = 0
    var slot = 0
    var order = 0

    static let passedOverMax = 8

    init(_ partition: PartitionReads, offset: Int64, isolation: Isolation) {
        self.partition = partition
        self.offset = offset
        self.isolation = isolation
    }

    var key: JoinKey { JoinKey(value: offset, isolation: isolation) }
    func brings(_ wanted: Int64) -> Bool { wanted >= offset && wanted < expectedEnd }
    var isWanted: Bool { !readers.isEmpty }
}
