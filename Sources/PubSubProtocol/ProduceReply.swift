import Bytes

/// `ProduceResp`.
public struct ProduceReply: Equatable, Sendable {
    /// One a record, in the order of the command.
    public var results: [ProduceResult]
    /// What went wrong; many records may share one.
    public var errors: [ErrorReply]
    /// The command's `id` was looked up.
    public var compared: Bool

    public init(results: [ProduceResult], errors: [ErrorReply] = [], compared: Bool = false) {
        self.results = results
        self.errors = errors
        self.compared = compared
    }

    func write(_ fields: FieldWriter, to out: inout ByteWriter) {
        fields.list(1, "results", results, to: &out) { result, out in
            fields.int32(1, "partition", result.partition, to: &out)
            fields.int64(2, "offset", result.offset, to: &out)
            fields.int64(3, "timestamp", result.timestamp, to: &out)
            guard let error = result.error else { return }
            fields.message(4, "error", to: &out) { errors[error].write(fields, to: &$0) }
        }
        fields.bool(2, "compared", compared, to: &out)
    }
}

/// `ProduceResult`.
public struct ProduceResult: Equatable, Sendable {
    /// -1: none was chosen.
    public var partition: Int32
    /// -1: not told.
    public var offset: Int64
    /// -1: none.
    public var timestamp: Int64
    /// Its place in `ProduceReply.errors`; nil: the record was acknowledged.
    public var error: Int?

    public init(partition: Int32, offset: Int64, timestamp: Int64, error: Int? = nil) {
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.error = error
    }

    /// A record that was not, or may not have been, taken.
    public static func failed(_ error: Int, partition: Int32 = -1) -> ProduceResult {
        ProduceResult(partition: partition, offset: -1, timestamp: -1, error: error)
    }
}
