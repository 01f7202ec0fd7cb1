import Synchronization

/// A session as the host's threads see it.
public final class HostSession: Sendable {
    public let id: UInt64
    /// Who hears of it; nil: nobody.
    let queue: EventQueue?
    let userData: UInt64
    let tellsClosed: Bool
    /// Works on a descriptor that stays the host's.
    let isBorrowed: Bool
    /// Its host looks for output that is there when a call returns, instead of an event.
    let tellsByReturn: Bool
    /// The host owns the connection.
    let pipe: HostPipe?
    let budget = PushBudget()
    private let forgotten = Atomic<Bool>(false)

    init(
        id: UInt64, queue: EventQueue? = nil, userData: UInt64 = 0, tellsClosed: Bool = true,
        isBorrowed: Bool = false, tellsByReturn: Bool = false, pipe: HostPipe? = nil
    ) {
        self.id = id
        self.queue = queue
        self.userData = userData
        self.tellsClosed = tellsClosed
        self.isBorrowed = isBorrowed
        self.tellsByReturn = tellsByReturn
        self.pipe = pipe
    }

    /// The host wants to hear no more of it. A queue asks under its lock, so that no event slips
    /// past `EventQueue.forget`.
    var isForgotten: Bool { forgotten.load(ordering: .acquiring) }
    func forget() { forgotten.store(true, ordering: .releasing) }

    @discardableResult
    func push(_ event: QueueEvent, isQuiet: Bool = false) -> Bool {
        queue?.push(event, isQuiet: isQuiet) ?? false
    }

    /// An event of this session.
    func event(_ kind: QueueEvent.Kind) -> QueueEvent {
        var event = QueueEvent(kind)
        event.session = id
        event.userData = userData
        event.sender = self
        return event
    }
}
