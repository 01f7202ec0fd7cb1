/// What became of records, told once of each. Records of one batch are told of together.
public struct DeliveryReport {
    public enum Result {
        /// Where the first of the records is, the others behind it; -1 where the broker has not
        /// told. The time at which the broker has appended them, -1 if they keep their own.
        case delivered(baseOffset: Int64, logAppendTime: Int64)
        case failed(ProduceFailure)
    }

    public var topic: String
    /// -1: none was chosen.
    public var partition: Int32
    /// Of the records, in their order.
    public var tokens: [UInt64]
    public var result: Result
    /// To be given back with `Producer.taken`, once nobody needs the report any more.
    public var bufferBytes: Int

    public init(
        topic: String, partition: Int32, tokens: [UInt64], result: Result, bufferBytes: Int
    ) {
        self.topic = topic
        self.partition = partition
        self.tokens = tokens
        self.result = result
        self.bufferBytes = bufferBytes
    }
}
