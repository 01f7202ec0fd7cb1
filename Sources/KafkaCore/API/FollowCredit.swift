/// What followers may be told before their owner grants more. Several may share it, as a
/// subscription has one for all of its partitions: whoever is told first has it.
public final class FollowCredit {
    /// nil: no limit of that kind. Records are never overdrawn.
    public private(set) var records: Int64?
    /// A record is told while any of it is left, so that it may be overdrawn.
    public private(set) var bytes: Int64?

    public init(records: Int64? = nil, bytes: Int64? = nil) {
        self.records = records
        self.bytes = bytes
    }

    public var isOpen: Bool { records ?? 1 > 0 && bytes ?? 1 > 0 }

    /// Saturates: an owner may grant all there is, again and again. Its followers go on when they
    /// are told to (`Cluster.goOn`).
    public func grant(records: Int64, bytes: Int64) {
        self.records = self.records.map { Self.sum($0, records) }
        self.bytes = self.bytes.map { Self.sum($0, bytes) }
    }

    func spend(records: Int, bytes: Int) {
        if let left = self.records { self.records = left - Int64(records) }
        if let left = self.bytes { self.bytes = left - Int64(bytes) }
    }

    /// How many records may be told.
    var recordsMax: Int { records.map { Int(max(0, $0)) } ?? .max }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
