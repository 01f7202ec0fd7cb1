/// Numbers of `KafkaMessage`'s fields (`proto/pubsub.proto`).
public enum KafkaMessageField {
    public static let offset = 1
    public static let timestamp = 2
    public static let key = 3
    public static let value = 4
    public static let headers = 101
    public static let appendTime = 102

    /// Protobuf's wire type of what has a length in front.
    static let lengthType: UInt64 = 2
}
