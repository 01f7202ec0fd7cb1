import KafkaProtocol

/// The entry of a record set that may turn out to be unreadable, as far as it is known.
struct SuspectEntry {
    /// Where the next one begins; nil: its length cannot be told.
    var end: Int?
    /// What its header says.
    var nextOffset: Int64?
    /// Its checksum is right: the header is to be believed.
    var isGenuine = false

    /// Where reading may go on behind the entry, which could be read up to `offset`: it is further
    /// on in any case. nil: there is no such place.
    ///
    /// Where the checksum is wrong, the header's word counts less than where the next batch
    /// begins, and no more than what the broker says of the log's end. A message of the older
    /// formats does not tell where it begins.
    func offsetBehind(
        _ offset: Int64, in records: UnsafeRawBufferPointer, highWatermark: Int64
    ) -> Int64? {
        guard offset < .max - 1 else { return nil }
        let least = offset + 1
        if isGenuine { return max(nextOffset ?? least, least) }
        if let next = nextBase(records), next >= least { return next }
        if let nextOffset, nextOffset >= least, nextOffset <= highWatermark { return nextOffset }
        return least
    }

    /// The base offset of the batch behind the entry.
    private func nextBase(_ records: UnsafeRawBufferPointer) -> Int64? {
        guard let end, end <= records.count else { return nil }
        var set = RecordSetReader(UnsafeRawBufferPointer(rebasing: records[end...]))
        guard let next = try? set.next(), !next.isLegacy else { return nil }
        return next.header.baseOffset
    }
}
