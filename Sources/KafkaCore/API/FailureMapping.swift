import Compression
import KafkaProtocol

/// How failures are told. The texts are those that clients of the original know (they match on
/// them); the cause, for the log, is what happened.
enum FailureMapping {
    static func text(of failure: ConnectionFailure) -> String {
        switch failure.kind {
        case .resolve: "host not found"
        case .refused: "connection refused"
        case .unreachable: "no route to host"
        case .timedOut: "timeout"
        // Addresses are not for clients: the original appends them here.
        case .tls: "failed to do SSL handshake"
        case .credentials: "failed to do SASL auth"
        case .reset: "connection reset by peer"
        case .closed: "closed"
        }
    }
}

extension KafkaFailure {
    static func unknownTopic(cause: String) -> KafkaFailure {
        KafkaFailure(
            kind: .notFound, code: KafkaError.unknownTopicOrPartition.rawValue,
            text: "not found topic", cause: cause)
    }

    static func unknownPartition(cause: String) -> KafkaFailure {
        KafkaFailure(
            kind: .notFound, code: KafkaError.unknownTopicOrPartition.rawValue,
            text: "not found partition", cause: cause)
    }

    /// To the client a refused topic and a missing one look the same.
    static func notAuthorized(cause: String) -> KafkaFailure {
        KafkaFailure(
            kind: .notAuthorized, code: KafkaError.topicAuthorizationFailed.rawValue,
            text: "not found topic", cause: cause)
    }

    static func connection(
        _ kind: ConnectionFailure.Kind, _ text: String, cause: String
    ) -> KafkaFailure {
        switch kind {
        case .timedOut:
            KafkaFailure(kind: .timedOut, text: text, cause: cause, isRetriable: true)
        case .tls: KafkaFailure(kind: .tlsRefused, text: text, cause: cause)
        case .credentials: noCredentials(cause: cause)
        default: KafkaFailure(kind: .unavailable, text: text, cause: cause, isRetriable: true)
        }
    }

    static func login(cause: String) -> KafkaFailure {
        KafkaFailure(
            kind: .loginRefused, code: KafkaError.saslAuthenticationFailed.rawValue,
            text: "failed to do SASL auth", cause: cause)
    }

    static func noCredentials(cause: String) -> KafkaFailure {
        KafkaFailure(
            kind: .noCredentials, text: "failed to do SASL auth", cause: cause, isRetriable: true)
    }

    static func noLeader(cause: String) -> KafkaFailure {
        KafkaFailure(
            kind: .noLeader, text: "no leader", cause: "\(cause): no leader", isRetriable: true)
    }

    static func timeout(cause: String) -> KafkaFailure {
        KafkaFailure(kind: .timedOut, text: "timeout", cause: cause, isRetriable: true)
    }

    /// To the clients of the original it is the `timeout` that it comes to.
    static func throttled(cause: String) -> KafkaFailure {
        KafkaFailure(kind: .throttled, text: "timeout", cause: cause, isRetriable: true)
    }

    static func kafka(
        _ code: Int16, cause: String, position: PartitionPosition = .unknown
    ) -> KafkaFailure {
        let error = KafkaError(code)
        if error == .topicAuthorizationFailed {
            return .notAuthorized(cause: "\(error.name): \(cause)")
        }
        return KafkaFailure(
            kind: error.meansNoLeader ? .noLeader : .kafka, code: code, text: error.name,
            cause: "\(error.name): \(cause)", isRetriable: error.isRetriable, position: position)
    }

    /// What one node's silence means once every node was tried.
    var asOutage: KafkaFailure {
        var failure = self
        if kind == .timedOut { failure.kind = .unavailable }
        return failure
    }

    static func recreated(cause: String) -> KafkaFailure {
        let error = KafkaError.unknownTopicId
        return KafkaFailure(
            kind: .kafka, code: error.rawValue, text: error.name,
            cause: "\(cause): the topic was deleted and created again")
    }

    /// The original tells every failure to get at the cluster as a missing topic, because its
    /// look-up of the topic is what fails.
    var asBootstrapFailure: KafkaFailure {
        var failure = self
        failure.text = "not found topic"
        return failure
    }
}

extension KafkaError {
    /// Nobody leads the partition, or whoever was asked does not, and no other is known.
    fileprivate var meansNoLeader: Bool {
        switch self {
        case .leaderNotAvailable, .notLeaderOrFollower, .replicaNotAvailable, .fencedLeaderEpoch,
            .unknownLeaderEpoch:
            true
        default: false
        }
    }
}

extension KafkaFailure {
    static func undecompressable(_ error: CompressionError, place: String) -> KafkaFailure {
        let cause = "\(place): \(error)"
        switch error {
        case .unknownCodec, .unavailable:
            let code = KafkaError.unsupportedCompressionType
            return KafkaFailure(kind: .corrupt, code: code.rawValue, text: code.name, cause: cause)
        case .tooLarge(_, let cap):
            // The limit by the name that it has in a route.
            return KafkaFailure(
                kind: .limit, code: KafkaError.messageTooLarge.rawValue,
                text: "fetch.batch_bytes: at most \(cap) bytes of a batch, decompressed",
                cause: cause)
        case .windowTooLarge, .outOfMemory:
            let code = KafkaError.messageTooLarge
            return KafkaFailure(kind: .limit, code: code.rawValue, text: code.name, cause: cause)
        case .corrupt, .truncated, .trailingBytes:
            let code = KafkaError.corruptMessage
            return KafkaFailure(kind: .corrupt, code: code.rawValue, text: code.name, cause: cause)
        }
    }
}

extension KafkaError {
    /// The principal has no right to it, or is none.
    var isRefusal: Bool { reaction == .denied || reaction == .login }
}
