import Synchronization

/// Between a host that owns a client's connection and the loop that the session lives on: input
/// one way, output the other. Threads of the host and the loop meet under one lock, and each side
/// is woken exactly when the other has left something for it. What each flag promises:
///
/// - `isScheduled`: the loop will look at the input without being asked, because the bell has
///   rung, or it keeps the pipe among its ready ones, or reading is paused and its end makes the
///   loop look. Set by `feed`, which rings the bell if it was clear; cleared by `attend` when it
///   has taken all.
/// - `isReadingPaused`: the engine takes no input. Set and cleared by the loop, which then looks.
/// - `isResumeOwed`: `feed` has answered PAUSE, and no `resume` event has followed. Set by `feed`;
///   cleared by `attend` with little input left, which makes its caller push the event.
/// - `isOutputTold`: an `output` event was pushed, and the host has not seen nothing left since.
///   Set by the loop behind its writes, with output there, which pushes the event; cleared by
///   `output` or `consume` with nothing left.
/// - `isBlocked`: the loop has output that did not fit. Set by `write`; cleared by `consume` with
///   half of the room free, which rings the bell and sets `hasRoom`; that one `attend` clears.
///
/// So no wake-up is lost: where `isScheduled` is clear there is no input; where `isOutputTold` is
/// clear behind a flush there is no output; and a loop that is blocked has left more than half of
/// the room filled, which the host knows of and has yet to consume.
///
/// The end: `open` -> `finishing` (the session is over, and its last bytes wait for the host) ->
/// `over`. Whoever makes the step to `over` pushes the `closed` event.
public final class HostPipe: Sendable {
    public enum Kind: Sendable {
        /// The host owns the socket, and TLS.
        case bytes
        /// The host owns WebSocket too.
        case messages
    }

    /// Input from which on the host is asked to wait. A few reads of a quick client.
    static let pauseBytes = 256 << 10
    /// Input with which it may go on.
    static let resumeBytes = 64 << 10
    /// Input that is taken from a host that does not wait.
    static let inputBytesMax = 1 << 20
    /// Input that is worth no change of threads.
    static let littleBytes = 64 << 10
    /// Output that waits for the host: enough to fill a socket's buffer.
    static let outputBytesMax = 256 << 10

    enum End: Sendable {
        case open
        case finishing(QueueEvent)
        case over
    }

    struct State: ~Copyable, Sendable {
        var input = ByteQueue()
        /// The client's end of stream was fed.
        var hasInputEnded = false
        var isScheduled = false
        var isReadingPaused = false
        var isResumeOwed = false

        var output = OutputBlocks()
        var isOutputTold = false
        var isBlocked = false
        var hasRoom = false
        /// Bytes of message events that the host has not polled.
        var unpolledBytes = 0

        var end = End.open
        /// What was written may still reach the client.
        var lingers = false
        /// Nobody will take the output any more.
        var isCut = false
    }

    let kind: Kind
    private let id: UInt64
    private let loop: LoopHandle
    let state = Mutex(State())

    init(_ kind: Kind, of id: UInt64, loop: LoopHandle) {
        self.kind = kind
        self.id = id
        self.loop = loop
    }

    /// Lets the loop look at what the host has left.
    func ring() { loop.ring(id) }

    /// The same behind `feed`, on this thread if that will do.
    func attend(_ fed: Fed) -> Attended {
        if fed.isLittle, let attended = loop.attendHere(id) { return attended }
        ring()
        return Attended()
    }
}

extension HostPipe.State {
    /// Whether a `resume` event is due; it is the caller's to push.
    mutating func resumes() -> Bool {
        guard isResumeOwed, !isReadingPaused, input.count <= HostPipe.resumeBytes else {
            return false
        }
        isResumeOwed = false
        return true
    }

    var takesOutput: Bool {
        if case .open = end { !isCut && !hasInputEnded } else { false }
    }
}
