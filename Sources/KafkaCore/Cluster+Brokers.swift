import KafkaProtocol

// What is learned of brokers.
extension Cluster: BrokerRouter {
    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure, hasServed: Bool) {
        keeper.connectionFailed(broker, failure, hasServed: hasServed)
    }

    /// A refusal is a word of a broker's, unlike its silence: whatever no other broker vouches for
    /// was read under a right that may be gone, and is not served any more.
    func brokerRefuses(_ broker: Broker) {
        for topic in keeper.topics {
            for partition in topic.partitions.values {
                let leader = partition.leader
                if leader === broker || leader?.lastFailure != nil || leader == nil {
                    partition.log.purge()
                }
            }
        }
    }

    func brokerIsLate(_ broker: Broker) {
        pointReader.serveUnconfirmed(broker)
        keeper.doubt(broker)
    }

    func brokerServes(_ broker: Broker) { keeper.tellOutageIsOver(broker) }

    func brokerMayBeTriedAgain(_ broker: Broker) { keeper.tryAgain(broker) }

    func brokersChanged() { keeper.reassignLeaders() }

    func brokerIsGone(_ broker: Broker) { lister.takeBack(broker) }

    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool {
        switch role {
        case .control: !broker.lookups.isEmpty || keeper.wantedFrom != nil
        case .pointReads: broker.hasQueue
        case .tail(let isolation): !broker.tail(isolation).follows.isEmpty
        case .producer: false
        }
    }
}
