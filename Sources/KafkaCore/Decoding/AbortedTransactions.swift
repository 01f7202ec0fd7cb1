import KafkaProtocol

/// Which transactional batches of one response are aborted. The broker names the aborted
/// transactions that overlap the response, by producer and first offset; each ends with its
/// marker. Aborts are whole batches.
struct AbortedTransactions {
    /// First offsets of each producer, the next one last.
    private var firstOffsets: [Int64: [Int64]] = [:]

    /// nil: who reads uncommitted is not told.
    init?(_ answer: FetchResponse.Partition, _ isolation: Isolation) {
        guard isolation == .readCommitted else { return nil }
        self.init(answer.abortedTransactions ?? [])
    }

    /// The list is not sorted by every broker (Redpanda's is not).
    init(_ listed: [FetchResponse.AbortedTransaction]) {
        for transaction in listed {
            firstOffsets[transaction.producerID, default: []].append(transaction.firstOffset)
        }
        for producer in firstOffsets.keys { firstOffsets[producer]?.sort(by: >) }
    }

    func isAborted(_ header: RecordBatchHeader) -> Bool {
        guard let first = firstOffsets[header.producerID]?.last else { return false }
        return first <= header.baseOffset
    }

    /// A marker ends one transaction of its producer; once per batch, however many records it has.
    mutating func abortEnded(_ header: RecordBatchHeader) {
        if isAborted(header) { firstOffsets[header.producerID]?.removeLast() }
    }
}
