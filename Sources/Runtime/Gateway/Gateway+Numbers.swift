import GatewayCore

// What the loops have counted, added up.
extension Gateway {
    public func stats() -> GatewayStats {
        let (metrics, threads) = collect()
        return GatewayStats(metrics, threads: threads, queuedEvents: queuedEvents)
    }

    /// Prometheus' text format.
    public func metricsText() -> String {
        let (metrics, threads) = collect()
        return MetricsText.render(metrics, threads: threads, queuedEvents: queuedEvents)
    }

    private var queuedEvents: Int { queues.reduce(0) { $0 + $1.waitingCount } }

    private func collect() -> (GatewayMetrics, threads: Int) {
        let (loops, final) = state.withLock { ($0.loops, $0.finalMetrics) }
        var sum = final
        for loop in loops {
            if let metrics = loop.ask({ $0.engine.metrics() }) { sum.add(metrics) }
        }
        return (sum, loops.count)
    }
}
