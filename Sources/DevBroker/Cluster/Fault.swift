/// Something that goes wrong on command. Faults stand in a list; each request takes the first
/// that fits.
public struct Fault: Sendable {
    public enum Action: Sendable {
        /// A Kafka error code: of the partitions that fit, of the whole for APIs without
        /// partitions and for Fetch's session errors (70, 71, 106).
        case error(Int16)
        /// The same, but what was asked for is done, which the client cannot know: Produce,
        /// InitProducerId and EndTxn.
        case errorAfter(Int16)
        /// The answer comes later by these milliseconds; everything behind it waits.
        case delay(milliseconds: Int64)
        /// No answer, and nothing behind it is answered either.
        case silence
        /// The connection is closed instead.
        case close
        /// The connection is closed behind this many bytes of the answer.
        case cut(bytes: Int)
        /// The answer has another correlation id.
        case wrongCorrelation
        /// These bytes as the whole frame behind its length.
        case replace([UInt8])
        /// The records of a Fetch response are not what the log has. Used up by an answer that has
        /// records.
        case damage(RecordDamage)
        /// The answer says so, and the connection is not read for these milliseconds (KIP-219).
        case throttle(milliseconds: Int32)
    }

    public var action: Action
    /// nil: any.
    public var apiKey: Int16?
    public var broker: Int32?
    public var topic: String?
    public var partition: Int32?
    /// How many requests it hits.
    public var times: Int

    public init(
        _ action: Action, apiKey: Int16? = nil, broker: Int32? = nil, topic: String? = nil,
        partition: Int32? = nil, times: Int = 1
    ) {
        self.action = action
        self.apiKey = apiKey
        self.broker = broker
        self.topic = topic
        self.partition = partition
        self.times = times
    }

    func fits(apiKey: Int16, broker: Int32) -> Bool {
        (self.apiKey ?? apiKey) == apiKey && (self.broker ?? broker) == broker
    }

    func fits(topic: String, partition: Int32) -> Bool {
        (self.topic ?? topic) == topic && (self.partition ?? partition) == partition
    }
}
