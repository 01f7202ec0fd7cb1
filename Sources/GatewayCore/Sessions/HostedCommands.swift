import Timing

/// Commands of one session that the host has been given, in order. All have the route's time
/// limit, so that the first one is due first.
struct HostedCommands {
    private var row = CommandRow()

    mutating func append(_ command: PendingCommand) { row.append(command) }

    /// When the first of them has waited too long.
    var firstEnd: Instant { row.first?.host?.endsAt ?? .distantFuture }

    /// The first command if its time is over; it stays until it is answered.
    func expired(_ now: Instant) -> PendingCommand? { firstEnd <= now ? row.first : nil }

    /// Drops those that wait no more, up to the first that does.
    mutating func dropAnswered() {
        while let first = row.first, !first.waitsForHost { row.removeFirst() }
    }
}
