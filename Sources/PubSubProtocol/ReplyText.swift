/// Texts of `ErrorResp.message` that the original protocol fixed; its clients compare them.
public enum ReplyText {
    public static let unknownCommand = "unknown command"

    /// `error` is the original's: `not found topic`, `OFFSET_OUT_OF_RANGE`, ...
    public static func listOffsetFailed(topic: String, partition: Int32, error: String) -> String {
        "failed to list offset, topic: \(topic), partition: \(partition), err: \(error)"
    }

    public static func fetchFailed(topic: String, partition: Int32, error: String) -> String {
        "failed to fetch message, topic: \(topic), partition: \(partition), err: \(error)"
    }
}
