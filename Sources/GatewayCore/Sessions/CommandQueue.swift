/// Commands whose replies keep their order: first in, first answered. A reply that is ready early
/// waits here, as a few bytes or as a place in a log.
struct CommandQueue {
    private var row = CommandRow()

    var count: Int { row.count }
    var isEmpty: Bool { row.isEmpty }

    mutating func append(_ command: PendingCommand) { row.append(command) }

    /// The front command if its reply is there.
    mutating func popReady() -> PendingCommand? {
        guard let command = row.first, command.reply != nil else { return nil }
        row.removeFirst()
        return command
    }

    /// In order.
    var waiting: ArraySlice<PendingCommand> { row.all }
}
