import Timing

/// Brokers that do not answer in time: they may be frozen, or cut off, and the cluster gives their
/// partitions to others long before a request times out.
extension Links {
    func late(_ link: Link) {
        let connection = link.connection
        if !connection.silence.isLate { link.broker.lateConnections += 1 }
        connection.silence.noteLate(now: context.now, &context.random)
        connection.pipeline.noteLate()
        // The connection would only be in the way when the broker is back.
        guard !isAbandoned(connection.pipeline) else {
            let cause = "\(connection.endpoint): no answer in time, and others lead its partitions"
            return fail(connection, .timeout(cause: cause))
        }
        connection.pipeline.first?.purpose?.late()
        router.brokerIsLate(link.broker)
        context.needFlush()
    }

    func heard(_ link: Link) {
        if link.connection.silence.isLate { link.broker.lateConnections -= 1 }
        link.connection.silence.heard(now: context.now)
    }

    /// Nobody waits for any of the answers any more.
    private func isAbandoned(_ pipeline: Pipeline) -> Bool {
        !pipeline.isEmpty && pipeline.requests.allSatisfy { $0.purpose?.isAbandoned == true }
    }
}
