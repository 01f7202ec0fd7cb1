/// `CmdMetadata`.
public struct MetadataCommand: Equatable, Sendable, RequestMessage {
    /// Empty: all that the session may read.
    public var topics: [String] = []

    public init() {}

    static let fields = [Field(1, "topics")]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        if number == 1 { try source.append(to: &topics, max: source.limits.topicsMax) }
    }
}
