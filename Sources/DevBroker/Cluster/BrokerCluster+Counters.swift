/// What tests count.
extension BrokerCluster {
    public func counters(broker id: Int32) -> BrokerCounters? { broker(id)?.counters }

    /// Requests of one API over all brokers.
    public func requestCount(apiKey: Int16) -> Int {
        brokers.reduce(0) { $0 + ($1.counters.requests[apiKey] ?? 0) }
    }

    /// The connections that are open, oldest first.
    public var openConnections: [ConnectionFacts] {
        connections.values.map(\.facts).sorted { $0.id < $1.id }
    }
}
