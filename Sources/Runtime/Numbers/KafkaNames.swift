import KafkaCore
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

    /// As the metrics have it: codes that nobody knows are one.
    static func label(_ code: Int16) -> String {
        code == ClusterCounters.otherCode ? "OTHER" : error(code)
    }

    /// Kafka's names are in capitals ("NONE" where all went well), ours are not.
    static func result(_ result: RequestEnding.Result) -> String {
        switch result {
        case .answered(let code): label(code)
        case .timedOut: "timed_out"
        case .lost: "connection_lost"
        }
    }
}
