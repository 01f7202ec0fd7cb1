import KafkaCore

/// What the push of some records is for all whose followers are told of them, as long as the turn's
/// arena holds it: it is worked out for the first of them.
struct CommonPush {
    private var records: FollowedRecords?
    private var timestamp: Int64??
    private var sequence: Int64 = 0
    private var frame: Frame?

    struct Frame {
        /// In the arena: the head, and the records if they were copied.
        var start: Int
        var count: Int
        /// What comes behind it.
        var rest: RecordCursor
    }

    /// Of the first record.
    mutating func timestamp(
        of records: FollowedRecords, _ find: (RecordSlice) -> Int64?
    ) -> Int64? {
        take(records)
        if let timestamp { return timestamp }
        let found = find(records.slice)
        timestamp = .some(found)
        return found
    }

    /// In a subscription of that name.
    func frame(of records: FollowedRecords, _ sequence: Int64) -> Frame? {
        self.records === records && self.sequence == sequence ? frame : nil
    }

    mutating func keep(_ frame: Frame, of records: FollowedRecords, _ sequence: Int64) {
        take(records)
        self.frame = frame
        self.sequence = sequence
    }

    private mutating func take(_ records: FollowedRecords) {
        guard self.records !== records else { return }
        self = CommonPush()
        self.records = records
    }
}
