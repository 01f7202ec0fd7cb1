import Timing

/// Commands of one session that the host has been given, in order. All have the route's time
/// limit, so that the first one is due first.
struct HostedCommands {
    private var commands: [PendingCommand] = []
    private var head = 0

    mutating func append(_ command: PendingCommand) { commands.append(command) }

    /// When the first of them has waited too long.
    var firstEnd: Instant {
        head < commands.count ? commands[head].host?.endsAt ?? .distantFuture : .distantFuture
    }

    /// The first command if its time is over; it stays until it is answered.
    func expired(_ now: Instant) -> PendingCommand? { firstEnd <= now ? commands[head] : nil }

    /// Drops those that wait no more, up to the first that does.
    mutating func dropAnswered() {
        while head < commands.count, !commands[head].waitsForHost { head += 1 }
        if head == commands.count {
            commands = []
            head = 0
        } else if head >= 64 && head * 2 >= commands.count {
            commands.removeFirst(head)
            head = 0
        }
    }
}
