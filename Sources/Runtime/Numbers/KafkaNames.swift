import KafkaProtocol

/// Kafka's names for label values.
enum KafkaNames {
    /// Those of the requests that this library sends.
    private static let apis: [Int16: String] = [
        FetchRequest.apiKey: "Fetch", ListOffsetsRequest.apiKey: "ListOffsets",
        MetadataRequest.apiKey: "Metadata", SaslHandshakeRequest.apiKey: "SaslHandshake",
        ApiVersionsRequest.apiKey: "ApiVersions",
        SaslAuthenticateRequest.apiKey: "SaslAuthenticate",
    ]

    static func api(_ key: Int16) -> String { apis[key] ?? "API_\(key)" }

    static func error(_ code: Int16) -> String { KafkaError(code).name }
}
