extension ConfigurationReader {
    /// Brokers write the client id into logs and metric names, and quotas are set by it: what does
    /// not print there is a slip. 249 is the length that Kafka sets for topics and such names.
    private static let clientIDBytesMax = 249

    mutating func clientID(_ key: String) throws(ConfigurationError) -> String? {
        try printableName(key)
    }

    mutating func printableName(_ key: String) throws(ConfigurationError) -> String? {
        guard let id = try string(key) else { return nil }
        guard (1...Self.clientIDBytesMax).contains(id.utf8.count),
            id.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
        else {
            throw fault(
                key, "expected 1 to \(Self.clientIDBytesMax) printable ASCII characters")
        }
        return id
    }
}
