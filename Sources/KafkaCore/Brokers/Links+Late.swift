import Timing

/// Brokers that do not answer in time: they may be frozen, or cut off, and the cluster gives their
/// partitions to others long before a request times out.
extension Links {
    func late(_ connection: BrokerConnection) {
        connection.noteLate(cluster)
        let broker = connection.broker
        // The connection would only be in the way when the broker is back.
        guard !isAbandoned(connection.pipeline) else {
            let cause = "\(broker.endpoint): no answer in time, and others lead its partitions"
            return fail(connection, .timeout(cause: cause))
        }
        connection.pipeline.first?.purpose?.late()
        cluster.pointReader.serveUnconfirmed(broker)
        cluster.keeper.doubt(broker)
        cluster.needsFlush = true
    }

    /// Nobody waits for any of the answers any more.
    private func isAbandoned(_ pipeline: Pipeline) -> Bool {
        !pipeline.isEmpty && pipeline.requests.allSatisfy { $0.purpose?.isAbandoned == true }
    }
}

extension BrokerConnection {
    func noteLate(_ cluster: Cluster) {
        if !silence.isLate { broker.lateConnections += 1 }
        silence.noteLate(now: cluster.now, &cluster.random)
        pipeline.noteLate()
    }

    func heard(now: Instant) {
        if silence.isLate { broker.lateConnections -= 1 }
        silence.heard(now: now)
    }
}
