import Bytes
import EventLoop
import KafkaCore

// Broker connections: what the Kafka clusters of the engine ask for.
extension GatewayLoop {
    func connect(_ id: BrokerConnectionID, _ endpoint: Endpoint, _ settings: ClusterSettings) {
        let broker = BrokerSocket(id, endpoint, settings, driver: self)
        brokers[id] = broker
        broker.start()
    }

    func send(_ id: BrokerConnectionID, _ block: ByteBlock) {
        guard let broker = brokers[id] else { return }
        broker.outbox.append(block)
        guard !broker.isDirty else { return }
        broker.isDirty = true
        dirtyBrokers.append(broker)
    }

    func flushBrokers() {
        guard !dirtyBrokers.isEmpty else { return }
        var brokers: [BrokerSocket] = []
        swap(&brokers, &dirtyBrokers)
        for broker in brokers {
            broker.isDirty = false
            broker.flush()
        }
    }

    func closeBroker(_ id: BrokerConnectionID) {
        brokers.removeValue(forKey: id)?.close()
    }

    func brokerOpened(_ id: BrokerConnectionID) {
        engine.brokerOpened(id, now: loop.now)
        perform()
    }

    /// The connection is gone, for the reason given.
    func brokerFailed(_ id: BrokerConnectionID, _ failure: ConnectionFailure) {
        guard let broker = brokers.removeValue(forKey: id) else { return }
        broker.close()
        engine.brokerClosed(id, failure, now: loop.now)
        perform()
    }
}
