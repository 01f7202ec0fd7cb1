import KafkaCore
import Timing

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
        metrics.heldBytes = Int64(memory.heldBytes)
        metrics.produced = producing.counts
        metrics.cacheBytes = Int64(workshop.cache.byteCount)
        metrics.cacheLentBytes = Int64(workshop.cache.lentBytes)
        for seat in seats {
            metrics.kafkaConnections += Int64(seat.cluster.connectionCount)
            for use in seat.producers.values {
                metrics.producingRecords += Int64(use.recordCount)
                metrics.producingBytes += Int64(use.bytes)
            }
            metrics.add(seat.cluster.counters)
        }
        return metrics
    }

    /// A cluster ends; what it has counted stays: a counter never goes down.
    func retire(_ seat: ClusterSeat) {
        call(seat) { $0.shutDown(now: now, &$1) }
        counts.add(seat.cluster.counters)
    }
}

extension GatewayMetrics {
    mutating func add(_ counters: ClusterCounters) {
        kafkaRequests.merge(counters.requests, uniquingKeysWith: +)
        kafkaEndings.merge(counters.endings, uniquingKeysWith: +)
        kafkaErrors.merge(counters.errors, uniquingKeysWith: +)
        kafkaDurations.merge(counters.requestTimes, uniquingKeysWith: Histogram.sum)
        kafkaConnectionsOpened &+= counters.connectionsOpened
        kafkaConnectionsLost &+= counters.connectionsLost
        kafkaReconnects &+= counters.reconnects
        kafkaRetries.merge(counters.retries, uniquingKeysWith: +)
        kafkaThrottles &+= counters.throttles
        kafkaThrottledMilliseconds &+= counters.throttledMilliseconds
        kafkaBytesIn &+= counters.bytesReceived
        recordsDecoded &+= counters.recordsDecoded
        cacheHits &+= counters.readsFromCache
        cacheMisses &+= counters.readsFromBroker
    }
}
