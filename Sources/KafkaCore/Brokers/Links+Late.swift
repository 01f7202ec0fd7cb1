import Timing

/// Brokers that do not answer in time: they may be frozen, or cut off, and the cluster gives their
/// partitions to others long before a request times out.
extension Links {
    func late(_ connection: BrokerConnection) {
        connection.noteLate(cluster)
        let broker = connection.broker
        guard !isAbandoned(connection.inFlight?.errand) else {
            let cause = "\(broker.endpoint): no answer in time, and others lead its partitions"
            return fail(connection, .timeout(cause: cause))
        }
        switch connection.inFlight?.errand {
        case .metadata(let question): cluster.keeper.askElsewhere(question)
        case .pointRead(let fetch): cluster.pointReader.serveUnconfirmed(fetch)
        case .listOffsets, .tail, nil: break
        }
        cluster.pointReader.serveUnconfirmed(broker)
        cluster.keeper.doubt(broker)
        cluster.needsFlush = true
    }

    /// Nobody waits for the answer any more: the connection would only be in the way when the
    /// broker is back.
    private func isAbandoned(_ errand: Errand?) -> Bool {
        switch errand {
        case .pointRead(let fetch): fetch.items.allSatisfy(\.isWithdrawn)
        case .listOffsets(let batch): batch.entries.allSatisfy(\.isAnswered)
        case .tail(let fetch): !fetch.items.contains { $0.isCurrent }
        case .metadata, nil: false
        }
    }
}

extension BrokerConnection {
    func noteLate(_ cluster: Cluster) {
        if !silence.isLate { broker.lateConnections += 1 }
        silence.noteLate(now: cluster.now, &cluster.random)
        inFlight?.wasLate = true
    }

    func heard(now: Instant) {
        if silence.isLate { broker.lateConnections -= 1 }
        silence.heard(now: now)
    }
}
