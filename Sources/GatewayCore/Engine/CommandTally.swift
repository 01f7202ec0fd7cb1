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

    mutating func add(_ kind: CommandKind, _ fault: GatewayFault?, microseconds: Int64) {
        let code = Int(fault?.replyCode ?? 0)
        let result = (0...10).contains(code) ? code : Self.results.count - 1
        counts[kind.rawValue * Self.results.count + result] &+= 1
        durations[kind.rawValue].add(microseconds: microseconds)
    }

    func report(into metrics: inout GatewayMetrics) {
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
    }
}
