import Testing
import Timing

/// A client that produces: what it has sent, and what it was told of it. When its connection ends
/// it comes again, and sends again what was not answered, under the same ids.
final class SimulatedWriter {
    struct Command {
        var values: [(partition: Int, value: String)]
        /// nil: not answered.
        var results: [Response.Produced]?
    }

    let name: String
    private(set) var commands: [Command] = []
    private(set) var client: TestClient?
    private var random: SeededRandom
    private var lastValue = 0
    /// By the sequences of this connection.
    private var waiting: [Int64: Int] = [:]
    private var sequence: Int64 = 0

    init(_ name: String, seed: UInt64) {
        self.name = name
        random = SeededRandom(seed: seed)
    }

    var unanswered: Int { commands.count { $0.results == nil } }

    /// A new connection; what the old one was not told is asked again.
    func connect(_ world: ProducingRig) throws {
        client = try world.rig.connect(
            policy: try world.policy(#"{"principal":"\#(name)"}"#))
        waiting = [:]
        for index in commands.indices where commands[index].results == nil { send(index) }
    }

    func leave() {
        guard Bool.random(using: &random) else {
            client?.endOfStream()
            client = nil
            return
        }
        client?.sendClose(1000)
        client = nil
    }

    func produce(partitions: Int) {
        guard let client, !client.isClosed, !client.isReadingPaused else { return }
        var values: [(Int, String)] = []
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            lastValue += 1
            let filler = String(repeating: ".", count: Int.random(in: 0...200, using: &random))
            values.append(
                (Int.random(in: 0..<partitions, using: &random), "\(name)-\(lastValue)-\(filler)"))
        }
        commands.append(Command(values: values))
        send(commands.count - 1)
    }

    private func send(_ index: Int) {
        sequence += 1
        waiting[sequence] = index
        let records = commands[index].values.map {
            Request.Record("t", $0.value, partition: Int64($0.partition))
        }
        client?.send(Request.produce(sequence, records, id: "\(name)-\(index)"))
    }

    func take(_ seed: UInt64) throws {
        for reply in try client?.takeReplies() ?? [] {
            guard let index = waiting.removeValue(forKey: reply.sequence) else {
                Issue.record("seed \(seed): nobody asked for \(reply)")
                continue
            }
            let results = try #require(reply.results, "seed \(seed): \(reply)")
            #expect(results.count == commands[index].values.count, "seed \(seed)")
            commands[index].results = results
        }
    }

    /// The values of the acknowledged records of one partition by their offsets, and of those of
    /// which nobody knows.
    func told(_ partition: Int) -> (stored: [Int64: String], unknown: Set<String>) {
        var stored: [Int64: String] = [:]
        var unknown: Set<String> = []
        for command in commands {
            for (index, sent) in command.values.enumerated() where sent.partition == partition {
                guard let result = command.results?[index] else { continue }
                if result.failure == nil {
                    stored[result.offset] = sent.value
                } else if result.failure?.cause == "outcome unknown" {
                    unknown.insert(sent.value)
                }
            }
        }
        return (stored, unknown)
    }
}
