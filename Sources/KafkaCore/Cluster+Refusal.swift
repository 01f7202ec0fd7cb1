import KafkaProtocol

// A refusal is a word of a broker's, unlike its silence.
extension Cluster {
    /// A broker has refused the credentials, or one TLS peer the other. Whatever no other broker
    /// vouches for was read under a right that may be gone, and is not served any more.
    func forgetUnvouched(refusedBy broker: Broker) {
        for topic in keeper.topics {
            for partition in topic.partitions.values {
                let leader = partition.leader
                if leader === broker || leader?.lastFailure != nil || leader == nil {
                    partition.log.purge()
                }
            }
        }
    }
}

extension KafkaError {
    /// The principal has no right to it, or is none.
    var isRefusal: Bool { reaction == .denied || reaction == .login }
}
