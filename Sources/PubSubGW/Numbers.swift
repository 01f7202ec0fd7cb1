import CPubSubGW
import Runtime

@c @implementation
public func pubsubgw_get_stats(
    _ g: OpaquePointer?, _ s: UnsafeMutablePointer<pubsubgw_stats>?
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        guard let s else { throw Failure(.invalid, "s is NULL") }
        try SizedStruct.write(pubsubgw_stats(gateway.stats()), to: s, name: "pubsubgw_stats")
        return 0
    }
}

@c @implementation
public func pubsubgw_metrics_text(
    _ g: OpaquePointer?, _ len: UnsafeMutablePointer<Int>?
) -> UnsafeMutablePointer<CChar>? {
    answerText(len) { () throws(Failure) in try Argument.gateway(g).metricsText() }
}

extension pubsubgw_stats {
    init(_ stats: GatewayStats) {
        self.init()
        threads = UInt32(clamping: stats.threads)
        sessions = stats.sessions
        sessions_total = stats.sessionsTotal
        messages_in = stats.messagesIn
        messages_out = stats.messagesOut
        bytes_in = stats.bytesIn
        bytes_out = stats.bytesOut
        commands = stats.commands
        command_errors = stats.commandErrors
        kafka_requests = stats.kafkaRequests
        kafka_errors = stats.kafkaErrors
        kafka_connections = stats.kafkaConnections
        records_in = stats.recordsIn
        records_out = stats.recordsOut
        queued_events = stats.queuedEvents
    }
}
