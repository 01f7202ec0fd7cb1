/// Readers of one partition that one point read at one offset serves. Readers join only while it
/// is not sent: an answer to an earlier request must not tell them that nothing is there.
final class Demand {
    unowned(unsafe) let partition: Partition
    let offset: Int64
    let isolation: Isolation
    var readers: [Reader] = []
    var isSent = false
    /// Bytes to ask for beyond what the readers want: the next batch is larger than that.
    var bytesMin = 0
    /// The readers' records are cached, and only wait for the broker to say that they still count.
    var confirms = false
    /// Responses that brought nothing though records are there.
    var starvations = 0

    init(_ partition: Partition, offset: Int64, isolation: Isolation) {
        self.partition = partition
        self.offset = offset
        self.isolation = isolation
    }

    struct Key: Hashable {
        var offset: Int64
        var isolation: Isolation
    }

    var key: Key { Key(offset: offset, isolation: isolation) }

    func remove(_ reader: Reader) { readers.removeAll { $0 === reader } }
}
