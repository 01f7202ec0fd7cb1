import KafkaProtocol

/// A response that says of itself how its request went.
protocol JudgedResponse: KafkaResponse {
    /// The error of the whole response, else the first one in it; 0: none.
    var firstErrorCode: Int16 { get }
}

extension ApiVersionsResponse: JudgedResponse {
    var firstErrorCode: Int16 { errorCode }
}

extension SaslHandshakeResponse: JudgedResponse {
    var firstErrorCode: Int16 { errorCode }
}

extension SaslAuthenticateResponse: JudgedResponse {
    var firstErrorCode: Int16 { errorCode }
}

extension MetadataResponse: JudgedResponse {
    var firstErrorCode: Int16 {
        guard errorCode == 0 else { return errorCode }
        for topic in topics {
            guard topic.errorCode == 0 else { return topic.errorCode }
            for partition in topic.partitions where partition.errorCode != 0 {
                return partition.errorCode
            }
        }
        return 0
    }
}

extension ListOffsetsResponse: JudgedResponse {
    var firstErrorCode: Int16 {
        for topic in topics {
            for partition in topic.partitions where partition.errorCode != 0 {
                return partition.errorCode
            }
        }
        return 0
    }
}

extension ProduceResponse: JudgedResponse {
    var firstErrorCode: Int16 {
        for topic in responses {
            for partition in topic.partitionResponses where partition.errorCode != 0 {
                return partition.errorCode
            }
        }
        return 0
    }
}

extension FetchResponse: JudgedResponse {
    var firstErrorCode: Int16 {
        guard errorCode == 0 else { return errorCode }
        for topic in responses {
            for partition in topic.partitions where partition.errorCode != 0 {
                return partition.errorCode
            }
        }
        return 0
    }
}

extension InitProducerIdResponse: JudgedResponse {
    var firstErrorCode: Int16 { errorCode }
}

extension FindCoordinatorResponse: JudgedResponse {
    var firstErrorCode: Int16 { coordinators.first?.errorCode ?? errorCode }
}

extension AddPartitionsToTxnResponse: JudgedResponse {
    var firstErrorCode: Int16 {
        for topic in resultsByTopicV3AndBelow {
            for partition in topic.resultsByPartition where partition.partitionErrorCode != 0 {
                return partition.partitionErrorCode
            }
        }
        return errorCode
    }
}

extension EndTxnResponse: JudgedResponse {
    var firstErrorCode: Int16 { errorCode }
}
