import KafkaCore
import Timing

/// What one engine has counted; values of several loops add up. Names and labels follow the
/// Prometheus families that a driver renders from them (`pubsubgw_...`).
public struct GatewayMetrics: Sendable {
    public struct RouteReason: Hashable, Sendable {
        /// Empty where no route matched.
        public var route: String
        /// `origin`, `version`, `policy`, `limit`, `malformed`, `method`, `too_large`, `route`,
        /// `draining`, `timeout`.
        public var reason: String

        public init(route: String, reason: String) {
            self.route = route
            self.reason = reason
        }
    }

    public struct RouteCode: Hashable, Sendable {
        public var route: String
        /// Of the library's or the RFC's; 0: any other.
        public var code: UInt16

        public init(route: String, code: UInt16) {
            self.route = route
            self.code = code
        }
    }

    public struct CommandResult: Hashable, Sendable {
        /// `ping`, `empty`, `fetch`, `list_offset`, `subscribe`, ..., `unknown`, `malformed`.
        public var command: String
        /// `ok`, or why not: `not_allowed`, `not_found`, `limit`, ...
        public var result: String

        public init(command: String, result: String) {
            self.command = command
            self.result = result
        }
    }

    // Gauges.
    public var sessions: Int64 = 0
    public var subscriptions: Int64 = 0
    public var unsentBytes: Int64 = 0
    public var kafkaConnections: Int64 = 0
    public var cacheBytes: Int64 = 0
    public var cacheLentBytes: Int64 = 0
    /// What sessions hold in memory of their own, under `limits.memory_bytes`.
    public var heldBytes: Int64 = 0
    /// Records of sessions that are in a producer's buffer, and what they take there.
    public var producingRecords: Int64 = 0
    public var producingBytes: Int64 = 0
    /// The most work that a turn of a loop has done for its sessions, in about nanoseconds.
    public var turnWorkMax: Int64 = 0

    // Counters.
    public var accepted: [String: UInt64] = [:]
    public var rejected: [RouteReason: UInt64] = [:]
    public var closes: [RouteCode: UInt64] = [:]
    public var messagesIn: UInt64 = 0
    public var messagesOut: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var bytesOut: UInt64 = 0
    public var recordsOut: UInt64 = 0
    public var produced = ProduceCounts()
    public var commands: [CommandResult: UInt64] = [:]
    public var commandDurations: [String: Histogram] = [:]
    public var paused: UInt64 = 0
    /// By the limit's key in route objects.
    public var limitHits: [String: UInt64] = [:]
    /// Commands for topics that route or session refuse; to the client they look missing.
    public var refusedTopics: UInt64 = 0
    /// Sent, by API key.
    public var kafkaRequests: [Int16: UInt64] = [:]
    public var kafkaEndings: [RequestEnding: UInt64] = [:]
    public var kafkaErrors: [Int16: UInt64] = [:]
    public var kafkaDurations: [Int16: Histogram] = [:]
    public var kafkaConnectionsOpened: UInt64 = 0
    public var kafkaConnectionsLost: UInt64 = 0
    public var kafkaReconnects: UInt64 = 0
    public var kafkaRetries: [RetryKind: UInt64] = [:]
    public var kafkaThrottles: UInt64 = 0
    public var kafkaThrottledMilliseconds: UInt64 = 0
    public var kafkaBytesIn: UInt64 = 0
    public var recordsDecoded: UInt64 = 0
    /// From a record's timestamp to its push.
    public var deliveryLag = Histogram()
    public var cacheHits: UInt64 = 0
    public var cacheMisses: UInt64 = 0

    public init() {}
}

extension GatewayMetrics {
    /// Adds what another loop counted.
    public mutating func add(_ other: GatewayMetrics) {
        sessions += other.sessions
        subscriptions += other.subscriptions
        unsentBytes += other.unsentBytes
        kafkaConnections += other.kafkaConnections
        cacheBytes += other.cacheBytes
        cacheLentBytes += other.cacheLentBytes
        heldBytes += other.heldBytes
        producingRecords += other.producingRecords
        producingBytes += other.producingBytes
        produced.add(other.produced)
        turnWorkMax = max(turnWorkMax, other.turnWorkMax)
        accepted.merge(other.accepted, uniquingKeysWith: +)
        rejected.merge(other.rejected, uniquingKeysWith: +)
        closes.merge(other.closes, uniquingKeysWith: +)
        messagesIn += other.messagesIn
        messagesOut += other.messagesOut
        bytesIn += other.bytesIn
        bytesOut += other.bytesOut
        recordsOut += other.recordsOut
        commands.merge(other.commands, uniquingKeysWith: +)
        commandDurations.merge(other.commandDurations, uniquingKeysWith: Histogram.sum)
        paused += other.paused
        limitHits.merge(other.limitHits, uniquingKeysWith: +)
        refusedTopics += other.refusedTopics
        kafkaRequests.merge(other.kafkaRequests, uniquingKeysWith: +)
        kafkaEndings.merge(other.kafkaEndings, uniquingKeysWith: +)
        kafkaErrors.merge(other.kafkaErrors, uniquingKeysWith: +)
        kafkaDurations.merge(other.kafkaDurations, uniquingKeysWith: Histogram.sum)
        kafkaConnectionsOpened += other.kafkaConnectionsOpened
        kafkaConnectionsLost += other.kafkaConnectionsLost
        kafkaReconnects += other.kafkaReconnects
        kafkaRetries.merge(other.kafkaRetries, uniquingKeysWith: +)
        kafkaThrottles += other.kafkaThrottles
        kafkaThrottledMilliseconds += other.kafkaThrottledMilliseconds
        kafkaBytesIn += other.kafkaBytesIn
        recordsDecoded += other.recordsDecoded
        deliveryLag.add(other.deliveryLag)
        cacheHits += other.cacheHits
        cacheMisses += other.cacheMisses
    }
}
