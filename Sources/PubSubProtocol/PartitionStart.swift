import Bytes

/// `PartitionStart`.
public struct PartitionStart: Equatable, Sendable {
    /// `PartitionStart.Outcome`.
    public enum Outcome: Int32, CaseIterable, Sendable {
        case asAsked = 0
        case resumed = 1
        case begunAnew = 2
        case waits = 3

        var name: StaticString {
            switch self {
            case .asAsked: "AS_ASKED"
            case .resumed: "RESUMED"
            case .begunAnew: "BEGUN_ANEW"
            case .waits: "WAITS"
            }
        }
    }

    public var topic: String
    public var partition: Int32
    public var nextOffset: Int64
    public var outcome: Outcome
    /// Why it waits; empty: not known.
    public var reason: String

    public init(
        topic: String, partition: Int32, nextOffset: Int64, outcome: Outcome = .asAsked,
        reason: String = ""
    ) {
        self.topic = topic
        self.partition = partition
        self.nextOffset = nextOffset
        self.outcome = outcome
        self.reason = reason
    }

    func write(_ fields: FieldWriter, to out: inout ByteWriter) {
        fields.string(1, "topic", topic, to: &out)
        fields.int32(2, "partition", partition, to: &out)
        fields.int64(3, "nextOffset", nextOffset, to: &out)
        fields.enumeration(4, "outcome", outcome.rawValue, outcome.name, to: &out)
        fields.string(5, "reason", reason, to: &out)
    }
}
