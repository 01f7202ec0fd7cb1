import KafkaCore

/// What the push of some records is for all whose followers are told of them, as long as the turn's
/// arena holds it: it is worked out for the first of them.
struct CommonPush {
    private var records: FollowedRecords?
    private var sequence: Int64 = 0
    /// The frame lies in the arena: its head, and the records if they were copied. 0: none does.
    private(set) var count = 0
    private(set) var start = 0
    /// What comes behind it.
    private(set) var rest: RecordCursor?
    /// Of the first record, if that was looked at; 0: it tells none.
    private var timestamp: Int64 = -1

    /// Whether it is the frame of the records in a subscription of that name.
    func isFrame(of records: FollowedRecords, _ sequence: Int64) -> Bool {
        self.records === records && self.sequence == sequence && count > 0
    }

    mutating func keep(
        _ records: FollowedRecords, _ sequence: Int64, start: Int, count: Int, rest: RecordCursor
    ) {
        take(records)
        self.sequence = sequence
        self.start = start
        self.count = count
        self.rest = rest.isAtEnd ? nil : rest
    }

    /// When the first record was written, in milliseconds since 1970.
    mutating func timestamp(
        of records: FollowedRecords, _ find: (RecordSlice) -> Int64?
    ) -> Int64 {
        take(records)
        if timestamp < 0 { timestamp = max(0, find(records.slice) ?? 0) }
        return timestamp
    }

    private mutating func take(_ records: FollowedRecords) {
        guard self.records !== records else { return }
        self = CommonPush()
        self.records = records
    }
}
