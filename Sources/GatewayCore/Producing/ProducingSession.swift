/// What one session has on its way to Kafka.
final class ProducingSession {
    /// Commands that are not answered.
    var commandCount = 0
    /// What these hold in memory: records that nobody has acknowledged, messages that wait for
    /// room, and results.
    var bytes = 0
    /// Commands whose records have not all found room.
    var waitingCount = 0
    /// Those that came while another one waited: records keep their order.
    var behind = WaitingCommands()
    /// It is told what became of its records, and closed then.
    var closesWhenDone = false
    /// The session is over, and its loop keeps the account.
    var isOrphaned = false
    let paces: ProducePaces

    var waitsForRoom: Bool { waitingCount > 0 }

    init(_ paces: ProducePaces) { self.paces = paces }
}
