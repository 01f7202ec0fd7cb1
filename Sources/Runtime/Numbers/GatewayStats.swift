import GatewayCore

/// The numbers of `pubsubgw_get_stats`.
public struct GatewayStats: Equatable, Sendable {
    public var threads = 0
    public var sessions: UInt64 = 0
    public var sessionsTotal: UInt64 = 0
    public var messagesIn: UInt64 = 0
    public var messagesOut: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0
    public var commands: UInt64 = 0
    public var commandErrors: UInt64 = 0
    public var kafkaRequests: UInt64 = 0
    public var kafkaErrors: UInt64 = 0
    public var kafkaConnections: UInt64 = 0
    public var recordsIn: UInt64 = 0
    public var recordsOut: UInt64 = 0
    public var queuedEvents: UInt64 = 0

    public init() {}

    init(_ metrics: GatewayMetrics, threads: Int, queuedEvents: Int) {
        self.threads = threads
        sessions = UInt64(clamping: metrics.sessions)
        sessionsTotal = metrics.accepted.values.reduce(0, +)
        messagesIn = metrics.messagesIn
        messagesOut = metrics.messagesOut
        bytesIn = metrics.bytesIn
        bytesOut = metrics.bytesOut
        for (command, count) in metrics.commands {
            commands += count
            if command.result != "ok" { commandErrors += count }
        }
        kafkaRequests = metrics.kafkaRequests.values.reduce(0, +)
        kafkaErrors = metrics.kafkaErrors.values.reduce(0, +) + metrics.kafkaConnectionsLost
        kafkaConnections = UInt64(clamping: metrics.kafkaConnections)
        recordsIn = metrics.recordsDecoded
        recordsOut = metrics.recordsOut
        self.queuedEvents = UInt64(clamping: queuedEvents)
    }
}
