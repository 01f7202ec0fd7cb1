/// How requests to brokers end: a label of the metrics.
public struct RequestEnding: Hashable, Sendable {
    public enum Result: Hashable, Sendable {
        /// Kafka's error code, 0 where all went well: that of the whole response, else the first
        /// that it holds for a topic or a partition.
        case answered(Int16)
        /// No answer came in time, which ends the connection.
        case timedOut
        /// The connection ended before the answer, or because of an answer that cannot be read.
        case lost
    }

    public var apiKey: Int16
    public var result: Result

    public init(apiKey: Int16, _ result: Result) {
        self.apiKey = apiKey
        self.result = result
    }
}
