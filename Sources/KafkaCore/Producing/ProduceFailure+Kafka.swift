import KafkaProducing
import KafkaProtocol

extension ProduceFailure {
    /// The metadata's trouble with a topic, in words that clients may read.
    init(_ failure: KafkaFailure) {
        let reason: Reason =
            switch failure.kind {
            case .notFound: .notFound
            case .notAuthorized: .notAuthorized
            case .timedOut, .throttled: .timedOut
            case .unavailable, .noLeader, .tlsRefused, .loginRefused, .noCredentials: .unavailable
            case .kafka, .corrupt, .limit: .kafka
            }
        let code = failure.code.map { KafkaError($0) }
        self.init(reason, code: code, code?.name ?? failure.text)
    }
}
