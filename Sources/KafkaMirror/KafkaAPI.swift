/// One API of Kafka as the mirror speaks it.
public struct KafkaAPI: Equatable, Sendable {
    public var key: Int16
    public var name: String
    public var versions: ClosedRange<Int16>
    /// The first version with compact lengths and tag sections; `Int16.max` if there is none.
    public var flexibleFrom: Int16

    public init(
        key: Int16, name: String, versions: ClosedRange<Int16>, flexibleFrom: Int16
    ) {
        self.key = key
        self.name = name
        self.versions = versions
        self.flexibleFrom = flexibleFrom
    }

    /// nil for a key that the mirror does not speak.
    public static func with(key: Int16) -> KafkaAPI? { all.first { $0.key == key } }

    /// Whether the header of a response has a tag section; ApiVersions never has one.
    public func hasFlexibleResponseHeader(version: Int16) -> Bool {
        version >= flexibleFrom && key != 18
    }
}
