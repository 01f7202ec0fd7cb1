import Timing

/// Commands by kind and result, and how long they took: arrays, because a ping costs little more
/// than a look-up in a dictionary.
struct CommandTally {
    /// `ok`, the codes 1 to 10, and Kafka's errors.
    private static let results = [
        "ok", "malformed", "unknown_command", "not_allowed", "limit", "not_found", "unavailable",
        "timed_out", "refused_by_kafka", "internal_error", "host_command", "kafka",
    ]

    private var counts = [UInt64](
        repeating: 0, count: CommandKind.allCases.count * results.count)
    private var durations = [Histogram](repeating: Histogram(), count: CommandKind.allCases.count)
    /// Commands of the host's by name: as many as it ever registered.
    private var hosted: [String: HostTally] = [:]

    private struct HostTally {
        var counts = [UInt64](repeating: 0, count: results.count)
        var durations = Histogram()
    }

    /// Not in the arrays yet.
    private var plainPings: UInt64 = 0

    mutating func add(_ kind: CommandKind, _ fault: GatewayFault?, microseconds: Int64) {
        counts[kind.rawValue * Self.results.count + Self.result(fault)] &+= 1
        durations[kind.rawValue].add(microseconds: microseconds)
    }

    mutating func add(host name: String, _ fault: GatewayFault?, microseconds: Int64) {
        hosted[name, default: HostTally()].counts[Self.result(fault)] &+= 1
        hosted[name]?.durations.add(microseconds: microseconds)
    }

    private static func result(_ fault: GatewayFault?) -> Int {
        let code = Int(fault?.replyCode?.rawValue ?? 0)
        return (0...10).contains(code) ? code : results.count - 1
    }

    /// One that was answered at once.
    mutating func addPing() { plainPings &+= 1 }

    func report(into metrics: inout GatewayMetrics) {
        var whole = self
        whole.settlePings()
        whole.tell(&metrics)
    }

    private mutating func settlePings() {
        counts[CommandKind.ping.rawValue * Self.results.count] &+= plainPings
        durations[CommandKind.ping.rawValue].add(microseconds: 0, times: plainPings)
        plainPings = 0
    }

    private func tell(_ metrics: inout GatewayMetrics) {
        for kind in CommandKind.allCases {
            for (index, result) in Self.results.enumerated() {
                let count = counts[kind.rawValue * Self.results.count + index]
                guard count > 0 else { continue }
                metrics.commands[.init(command: kind.name, result: result)] = count
            }
            if durations[kind.rawValue].count > 0 {
                metrics.commandDurations[kind.name] = durations[kind.rawValue]
            }
        }
        for (name, tally) in hosted {
            for (index, result) in Self.results.enumerated() where tally.counts[index] > 0 {
                metrics.commands[.init(command: name, result: result)] = tally.counts[index]
            }
            metrics.commandDurations[name] = tally.durations
        }
    }
}
