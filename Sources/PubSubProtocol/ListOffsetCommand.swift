/// `CmdKafkaListOffset`.
public struct ListOffsetCommand: Equatable, Sendable, RequestMessage {
    public var topic = ""
    public var partition: Int32 = 0
    /// Milliseconds, or -1 (end), -2 (start), -3 (greatest timestamp).
    public var timestamp: Int64 = 0

    public init() {}

    static let fields = [Field(1, "topic"), Field(2, "partition"), Field(3, "timestamp")]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: topic = try source.string() ?? topic
        case 2: partition = try source.int32() ?? partition
        case 3: timestamp = try source.int64() ?? timestamp
        default: break
        }
    }
}
