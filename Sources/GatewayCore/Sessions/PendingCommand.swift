import KafkaCore
import Timing

/// One command on its way to Kafka and back.
final class PendingCommand {
    enum Token {
        case none
        case read(ReadToken)
        case request(RequestToken)
        case host(HostToken)
    }

    /// A reply that waits for those in front of it.
    enum Reply {
        /// A whole message, unframed; nil: it went well.
        case message([UInt8], GatewayFault?)
        case records(RecordSlice)
    }

    let number: UInt64
    let sequence: Int64
    let kind: CommandKind
    /// Whether the reply waits for those of the commands before it.
    let isOrdered: Bool
    let topic: String
    let partition: Int32
    let started: Instant
    var token = Token.none
    var reply: Reply?
    /// Of a command of the host's.
    var host: HostWait?
    /// Room that is kept for its reply.
    var promisedBytes = 0
    /// The metrics have it already.
    var isTallied = false

    var waitsForHost: Bool { if case .host = token { true } else { false } }

    init(
        number: UInt64, sequence: Int64, kind: CommandKind, isOrdered: Bool, topic: String = "",
        partition: Int32 = 0, started: Instant
    ) {
        self.number = number
        self.sequence = sequence
        self.kind = kind
        self.isOrdered = isOrdered
        self.topic = topic
        self.partition = partition
        self.started = started
    }
}

/// What a command waits for that the host has been given.
struct HostWait {
    let command: HostCommand
    /// What the session is charged until the answer: a host that is late must not let clients
    /// fill the memory.
    let payloadBytes: Int
    /// When the client is told that nobody has answered.
    let endsAt: Instant
}

/// The commands as metrics count them; those of the host's go by their names.
enum CommandKind: Int, CaseIterable {
    case ping, empty, fetch, listOffset, subscribe, unsubscribe, grant, pause, metadata, produce
    case unknown, malformed, host

    /// Its errors have the texts of the original.
    var isOriginal: Bool { self == .fetch || self == .listOffset }

    var name: String { self == .listOffset ? "list_offset" : "\(self)" }
}
