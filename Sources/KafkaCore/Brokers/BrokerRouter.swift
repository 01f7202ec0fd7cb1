/// Above the brokers: who hands on what is learned of them, and knows who waits for what.
protocol BrokerRouter: AnyObject {
    /// A connection to it failed, or an attempt to connect. `hasServed`: it has answered on it.
    func brokerFailed(_ broker: Broker, _ failure: KafkaFailure, hasServed: Bool)
    /// It has ended a connection on which it does not answer: something there was in error.
    func brokerHasHungUp(_ broker: Broker)
    /// Who we are is nothing to it any more, or its certificate nothing to us.
    func brokerRefuses(_ broker: Broker)
    /// It owes an answer, and has been silent for longer than agreed.
    func brokerIsLate(_ broker: Broker)
    /// A connection has brought its first answer.
    func brokerServes(_ broker: Broker)
    /// The failure before has taught how to do better.
    func brokerMayBeTriedAgain(_ broker: Broker)
    /// Node ids stand for other brokers now.
    func brokersChanged()
    /// It is none of the cluster any more; its connections end next.
    func brokerIsGone(_ broker: Broker)
    /// Whether somebody waits for a connection of that role.
    func awaits(_ role: ConnectionRole, _ broker: Broker) -> Bool
}
