/// `CmdProduce`. The proto file has the meaning of every field. Its bytes stay where they are: the
/// ranges are places in what `PubSubRequest.withRecordBytes` lends.
public struct ProduceCommand: Equatable, Sendable, RequestMessage {
    /// What the ranges are places in.
    public struct Bytes {
        /// Of `id`, topics, keys and values: the binary message itself, or what a text came to.
        public let values: UnsafeRawBufferPointer
        /// Of headers.
        public let headers: UnsafeRawBufferPointer

        public func value(_ range: Range<Int>) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: values[range])
        }

        public func headers(_ range: Range<Int>) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: headers[range])
        }
    }

    public var records: [ProduceRecord] = []
    public var acks = AcksChoice.default
    /// Empty: none.
    public var id = 0..<0

    public init() {}

    static let fields = [Field(1, "records"), Field(2, "acks"), Field(3, "id", isBytes: true)]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: try source.append(to: &records, max: source.limits.recordsMax)
        case 2: acks = try source.enumeration(AcksChoice.self) ?? acks
        case 3:
            id = try source.bytes() ?? id
            let most = source.limits.idBytesMax
            if id.count > most { throw source.fault(.tooLong(max: most)) }
        default: break
        }
    }
}

/// `ProduceRecord`.
public struct ProduceRecord: Equatable, Sendable, RequestMessage {
    /// UTF-8.
    public var topic = 0..<0
    /// nil: the gateway chooses. Never negative.
    public var partition: Int32?
    /// nil: null.
    public var key: Range<Int>?
    /// nil: null.
    public var value: Range<Int>?
    /// As they stand in a batch of records, one behind the other.
    public var headers = 0..<0
    public var headerCount = 0
    /// Milliseconds; nil: the gateway's clock. Never negative.
    public var timestamp: Int64?

    public init() {}

    static let fields = [
        Field(1, "topic"), Field(2, "partition"), Field(3, "key", isBytes: true),
        Field(4, "value", isBytes: true), Field(5, "headers"), Field(6, "timestamp"),
    ]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: topic = try source.utf8() ?? topic
        case 2: partition = try source.nonNegativeInt32() ?? partition
        case 3: key = try source.bytes() ?? key
        case 4: value = try source.bytes() ?? value
        case 5: try readHeaders(&source)
        case 6: timestamp = try source.nonNegativeInt64() ?? timestamp
        default: break
        }
    }

    private mutating func readHeaders<S: FieldSource>(
        _ source: inout S
    ) throws(MalformedMessage) {
        let start = headerCount > 0 ? headers.lowerBound : source.headers.count
        let most = source.limits.headersMax
        headerCount = try source.each(headerCount, max: most) { (source, header: HeaderMessage) in
            source.appendHeader(key: header.key, value: header.value)
        }
        headers = start..<source.headers.count
    }
}

/// `KafkaHeader`.
private struct HeaderMessage: RequestMessage {
    var key = 0..<0
    var value: Range<Int>?

    static let fields = [Field(1, "key"), Field(2, "value", isBytes: true)]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: key = try source.utf8() ?? key
        case 2: value = try source.bytes() ?? value
        default: break
        }
    }
}

/// `CmdProduce.Acks`. Kafka's 0, nobody, is not for pages: they would never learn of a loss.
public enum AcksChoice: Int32, WireEnum, Sendable {
    /// The route's.
    case `default` = 0
    case leader = 2
    case all = 3

    static let names: [String: Int32] = ["ACKS_DEFAULT": 0, "ACKS_LEADER": 2, "ACKS_ALL": 3]
}
