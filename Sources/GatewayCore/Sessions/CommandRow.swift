/// Commands in order, taken from the front: an array that lets go of what it has in front of `head`
/// when that is most of it, so that a command costs no move of all the others.
struct CommandRow {
    private var commands: [PendingCommand] = []
    private var head = 0
    /// Fewer are not worth the move.
    private static let headMin = 64

    var count: Int { commands.count - head }
    var isEmpty: Bool { head == commands.count }
    var first: PendingCommand? { head < commands.count ? commands[head] : nil }
    var all: ArraySlice<PendingCommand> { commands[head...] }

    mutating func append(_ command: PendingCommand) { commands.append(command) }

    /// There has to be one.
    mutating func removeFirst() {
        head += 1
        if head == commands.count {
            commands = []
            head = 0
        } else if head >= Self.headMin && head * 2 >= commands.count {
            commands.removeFirst(head)
            head = 0
        }
    }
}
