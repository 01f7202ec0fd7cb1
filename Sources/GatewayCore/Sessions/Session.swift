import Bytes
import KafkaCore
import PubSubProtocol
import Timing
import WebSocketProtocol

/// One client. What an idle session does not need it does not hold: the request head, commands,
/// subscriptions, output and unread input are allocated when they come up and given back.
final class Session {
    enum Phase {
        /// The request head is read.
        case handshake
        case open
        /// The body of a request is read, or what it asks for is waited for.
        case posting
        /// A Close frame is on its way, or both are and the output drains.
        case closing
        /// The HTTP refusal drains.
        case refusing
        case over
    }

    let id: SessionID
    let userData: UInt64
    let remoteAddress: String?
    /// The host owns WebSocket, and closes it.
    let speaksMessages: Bool
    var phase = Phase.handshake
    var handshake: Handshake?
    /// nil until the session is admitted.
    var service: ServedRoute?
    var access: SessionAccess?

    /// The log was told of a command that could not be what the client wanted.
    var hasMistaken = false

    var connection = ServerConnection()
    var format = MessageFormat.binary
    var deflate: DeflateAgreement?
    var output = Output()
    /// Commands and subscriptions; nil when there are none.
    var desk: Desk?
    /// nil: it is a WebSocket.
    var post: PostInProgress?
    /// nil: it has produced nothing.
    var producing: ProducingSession?
    /// Input that was received before reading paused, and is not looked at until it goes on.
    var heldInput: HeldInput?

    /// Beyond these the socket is not read.
    var inFlightMax = 0
    var unsentMax = 0
    var isReadingPaused = false
    /// Its input waits until others had their turn.
    var waitsForTurn = false
    var turnAccount = TurnAccount()
    /// What it had asked for is nobody's any more: it has said Close, or nothing is heard of it.
    var hasLeft = false
    /// It goes on when the loop's sessions hold less.
    var waitsForMemory = false
    var memoryWaitBegan = Instant.zero
    /// What the loop's memory budget has been charged for it.
    var chargedBytes = 0
    var isWriteWanted = false
    /// The socket took less than it was offered.
    var isBlocked = false
    /// A subscription had no room to read on.
    var pumpsWhenDrained = false
    /// It is counted among those that have bytes in the arena.
    var usesArena = false
    /// The client has shut down its sending side.
    var hasEnded = false
    /// The client's Close frame has come, or will not: what waits is written, and that is all.
    var endsWhenDrained = false
    /// In the middle of the consumption of input.
    var isConsuming = false
    /// Records of the reply under way are read from Kafka again.
    var rereads = 0
    var reread: ReadToken?
    /// It is one of those that read records of that log again, until they are written.
    var rereadTurn: PartitionLog?
    var waitsForReread = false

    /// Bytes of replies that wait for those in front of them.
    var heldReplyBytes = 0

    // What its `closed` event tells.
    var closeCode: UInt16 = 0
    var closeReason = ""
    var httpStatus = 0
    var bytesIn: Int64 = 0
    var bytesOut: Int64 = 0

    // Time.
    let openedAt: Instant
    var keepalive: Keepalive
    /// The last message in either direction.
    var lastMessage: Instant
    /// The last moment when the socket took anything, while output waits.
    var blockedSince: Instant?
    /// When the message or control frame began that the client has not ended yet.
    var unfinishedSince: Instant?
    /// nil: it may ask as often as it likes.
    var pace: CommandPace?
    /// The end of the closing handshake, or of the refusal.
    var endsAt = Instant.distantFuture
    /// When a drain closes this session.
    var drainsAt = Instant.distantFuture
    /// The entry of the timer queue that counts; `distantFuture`: none.
    var scheduledAt = Instant.distantFuture

    init(id: SessionID, _ opening: SessionOpening, now: Instant) {
        self.id = id
        userData = opening.userData
        remoteAddress = opening.remoteAddress
        speaksMessages = opening.speaksMessages
        openedAt = now
        keepalive = Keepalive(now: now)
        lastMessage = now
    }

    /// The defaults until the session is admitted.
    var limits: SessionLimits { access?.limits ?? SessionLimits() }

    var inFlight: Int { desk?.inFlight ?? 0 }

    /// Nothing is read from its client.
    var isHeld: Bool { isReadingPaused || waitsForTurn }

    /// The loop was charged nothing for it, and it has begun nothing of which it may hold some, but
    /// for a message that comes.
    var holdsNothing: Bool { chargedBytes == 0 && desk == nil && deflate == nil }

    /// Memory that it holds for what it has begun to send or to receive. Records of the cache are
    /// places, not memory.
    var memoryBytes: Int {
        output.memoryBytes + heldReplyBytes + connection.heldBytes + (heldInput?.rest.count ?? 0)
            + (producing?.bytes ?? 0) + (post?.body.count ?? 0)
    }
}

/// Received bytes that wait for their turn.
final class HeldInput {
    let block: ByteBlock
    var position = 0

    init(_ bytes: UnsafeMutableRawBufferPointer) {
        block = ByteBlock(copying: UnsafeRawBufferPointer(bytes))
    }

    var rest: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: block.mutableBytes[position...])
    }
}
