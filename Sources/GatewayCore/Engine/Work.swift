/// What sessions make their loop do, in one unit: about a nanosecond of an ordinary core. Bytes
/// that are inflated, commands, replies and topics that are looked at all count in it. The figures
/// were measured once, and need not be exact: they decide whose turn it is.
enum Work {
    /// Of the whole loop before it looks at its sockets again, and as much for its writes: a
    /// session is to be answered within 5 ms, in the turn after the one in which it asks, however
    /// many others there are.
    static let turn = 600_000
    /// Of one session before the next one has its turn.
    static let slice = 20_000
    /// More than a ping needs.
    static let nothing = 500
    /// More than a command needs that is answered at once.
    static let little = 4_000
    /// A session whose input took so much last time waits in the queue at once.
    static let heavy = 250_000
    /// What a session costs that has not shown it yet.
    static let unknown = 10_000
    /// The same of one that may send what inflates: a message of a megabyte lies in a thousand
    /// bytes, and those who have shown that they need little go before.
    static let unknownPacked = 300_000

    static let frame = 50
    /// The driver is told not to read from a session, and to go on later.
    static let pause = 2_000
    /// A command that is decoded and looked up.
    static let command = 2_000
    /// A command that is refused before it is decoded.
    static let refusal = 1_000
    /// A line of the log, and the texts in it.
    static let logLine = 4_000
    /// A read that has to wait, and its end.
    static let read = 4_000
    /// A partition that is followed.
    static let partition = 3_000
    /// A topic that a reply tells of.
    static let topic = 300
    /// A record that is produced, beside the bytes of its message; and what is reported of it.
    static let record = 400
    static let report = 100
    static let inflatedByte = 2
    static let packedByte = 20

    /// An upgrade, a session that begins, and what is told of both.
    static let opening = 20_000
    /// A session whose deadline is due.
    static let look = 500
    /// The end of a session, and what is told of it; beside the memory that it gives back.
    static let ending = 10_000
    /// A command that is taken back, because its session has left.
    static let farewell = 1_000

    /// Bytes that are received, unmasked and moved.
    static func received(_ count: Int) -> Int { count >> 1 }
    /// Bytes that the kernel takes. It may have to find memory for them, which costs more than
    /// anything else: 600 KB a turn.
    static func sent(_ count: Int) -> Int { count }
    /// Memory that a message takes while it comes, and the move to it.
    static func grown(_ count: Int) -> Int { max(0, count) >> 1 }
}
