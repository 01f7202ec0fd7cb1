import Bytes

/// `ErrorResp`.
public struct ErrorReply: Equatable, Sendable {
    public var code: ReplyCode
    public var message: String
    /// Whether the same command may succeed later.
    public var retriable: Bool
    /// With OFFSET_OUT_OF_RANGE; nil: not known.
    public var logStartOffset: Int64?
    /// With OFFSET_OUT_OF_RANGE; nil: not known.
    public var highWatermark: Int64?
    /// nil: the code says it all.
    public var cause: ReplyCause?

    /// With records that cannot be read: where to go on behind them.
    public var nextOffset: Int64?

    public init(
        _ code: ReplyCode, _ message: String, retriable: Bool = false,
        logStartOffset: Int64? = nil, highWatermark: Int64? = nil, cause: ReplyCause? = nil,
        nextOffset: Int64? = nil
    ) {
        self.code = code
        self.message = message
        self.retriable = retriable
        self.logStartOffset = logStartOffset
        self.highWatermark = highWatermark
        self.cause = cause
        self.nextOffset = nextOffset
    }

    /// The answer to a request that could not be read; its sequence is the error's.
    public init(_ malformed: MalformedMessage) {
        self.init(malformed.code, malformed.description)
    }

    func write(_ fields: FieldWriter, to out: inout ByteWriter) {
        fields.int32(1, "code", code.rawValue, to: &out)
        fields.string(2, "message", message, to: &out)
        fields.bool(101, "retriable", retriable, to: &out)
        fields.int64(102, "logStartOffset", logStartOffset, to: &out)
        fields.int64(103, "highWatermark", highWatermark, to: &out)
        fields.string(105, "cause", cause?.rawValue ?? "", to: &out)
        fields.int64(106, "nextOffset", nextOffset, to: &out)
    }
}
