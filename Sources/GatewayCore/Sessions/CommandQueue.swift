/// Commands whose replies keep their order: first in, first answered. A reply that is ready early
/// waits here, as a few bytes or as a place in a log.
struct CommandQueue {
    private var commands: [PendingCommand] = []
    private var head = 0

    var count: Int { commands.count - head }
    var isEmpty: Bool { head == commands.count }

    mutating func append(_ command: PendingCommand) { commands.append(command) }

    /// The front command if its reply is there.
    mutating func popReady() -> PendingCommand? {
        guard head < commands.count, commands[head].reply != nil else { return nil }
        let command = commands[head]
        head += 1
        if head == commands.count {
            commands = []
            head = 0
        } else if head >= 64 && head * 2 >= commands.count {
            commands.removeFirst(head)
            head = 0
        }
        return command
    }

    /// In order.
    var waiting: ArraySlice<PendingCommand> { commands[head...] }
}
