extension GatewayEngine {
    /// All that was counted since the start, and the gauges of this moment.
    public func metrics() -> GatewayMetrics {
        var metrics = counts
        tally.report(into: &metrics)
        metrics.sessions = Int64(sessions.count)
        for session in sessions.values {
            metrics.unsentBytes += Int64(session.output.unsentBytes)
            metrics.subscriptions += Int64(session.desk?.followedCount ?? 0)
        }
        metrics.cacheBytes = Int64(workshop.cache.byteCount)
        metrics.cacheHits = workshop.cache.hits
        metrics.cacheMisses = workshop.cache.misses
        for seat in seats {
            let counters = seat.cluster.counters
            metrics.kafkaConnections += Int64(seat.cluster.connectionCount)
            metrics.kafkaRequests.merge(counters.requests, uniquingKeysWith: +)
            metrics.kafkaErrors.merge(counters.errors, uniquingKeysWith: +)
            metrics.kafkaConnectionsOpened &+= counters.connectionsOpened
            metrics.kafkaConnectionsLost &+= counters.connectionsLost
            metrics.recordsDecoded &+= counters.recordsDecoded
        }
        return metrics
    }
}
