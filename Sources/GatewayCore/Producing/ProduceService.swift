import KafkaCore
import KafkaProducing
import PubSubProtocol

/// The commands of a loop's sessions that produce, from their coming to their answers. It knows
/// neither sessions nor sockets: who waits for an answer is a pair of numbers.
///
/// Invariant: every record of an open command is either in front of `next`, and then refused, or
/// unreported, or settled; or behind it, and then the command waits for room, once.
final class ProduceService {
    private var commands: [ProduceInProgress?] = []
    private var free: [Int] = []
    private(set) var openCount = 0
    var ids = ProduceIDs()
    private(set) var counts = ProduceCounts()

    // MARK: Commands

    func begin(
        _ session: ProducingSession, _ use: ProducerUse, _ rules: ProduceRules,
        _ waiter: ProduceInProgress.Waiter, id: ProduceIDs.Key?, count: Int
    ) -> ProduceInProgress {
        let number = free.popLast() ?? commands.count
        let command = ProduceInProgress(
            number, session, use, rules, waiter, id: id, count: count)
        if number == commands.count {
            commands.append(command)
        } else {
            commands[number] = command
        }
        session.commandCount += 1
        openCount += 1
        if let id { ids.begin(id, command) }
        return command
    }

    /// It is answered: its number is free for another.
    func end(_ command: ProduceInProgress) {
        precondition(command.isDone, "a command is answered while records of it are on their way")
        commands[command.number] = nil
        free.append(command.number)
        command.session.commandCount -= 1
        command.session.bytes -= command.bytes
        openCount -= 1
        if commands.count > Self.numbersKept, openCount == 0 {
            commands = []
            free = []
        }
    }

    private static let numbersKept = 1_000

    /// In the order of their numbers, so that runs replay.
    var open: [ProduceInProgress] { commands.compactMap { $0 } }

    func noteRepeated() { counts.repeated += 1 }

    // MARK: Reports

    /// The commands that are done by it, in the order of their records.
    func take(_ report: DeliveryReport, _ use: ProducerUse) -> [ProduceInProgress] {
        use.give(report.bufferBytes, records: report.tokens.count, of: report.topic)
        counts.add(report)
        var done: [ProduceInProgress] = []
        for (place, token) in report.tokens.enumerated() {
            guard let command = self[token] else { continue }
            let index = ProduceToken.index(token)
            switch report.result {
            case .delivered(let base, let appendedAt):
                command.delivered(
                    index, report.partition, base < 0 ? -1 : base &+ Int64(place),
                    appendedAt: appendedAt)
            case .failed(let failure): command.failed(index, report.partition, failure)
            }
            if command.isDone { done.append(command) }
        }
        return done
    }

    private subscript(token: UInt64) -> ProduceInProgress? {
        let number = ProduceToken.command(token)
        return commands.indices.contains(number) ? commands[number] : nil
    }

    func noteRefused(_ trouble: ProduceTrouble) { counts.failed[trouble.word, default: 0] += 1 }
}

/// What a record's report brings back: whose it is, and which of his.
enum ProduceToken {
    /// `RequestLimits.recordsMax` fits.
    private static let indexBits: UInt64 = 20

    static func make(_ command: ProduceInProgress, _ index: Int) -> UInt64 {
        UInt64(command.number) << indexBits | UInt64(index)
    }

    static func command(_ token: UInt64) -> Int { Int(token >> indexBits) }
    static func index(_ token: UInt64) -> Int { Int(token & (1 << indexBits - 1)) }
}
