import CShims
import Glibc
import Timing

/// One epoll, its timers and its mailbox. It belongs to the thread that runs it; other threads
/// hold its `mailbox`.
///
/// A turn: wait, update `now`, tell the handlers, run the jobs of the mailbox, run the timers that
/// are due, call `afterTurn`. While the loop waits it may be lent to another thread: see
/// `LoopTurns`.
public final class EventLoop {
    /// Descriptors that are told of in one turn; the others' turn comes next.
    static let eventsPerTurnMax = ReadyList.usualMax

    /// The time at the start of this turn.
    public private(set) var now: Instant
    public let mailbox: Mailbox

    /// Until when the loop may sleep, beside its own timers. A moment that has passed means that
    /// there is work left and the loop must not sleep at all.
    public var deadline: () -> Instant? = { nil }
    /// The last act of every turn: perform effects, flush what the turn collected.
    public var afterTurn: () -> Void = {}
    /// Asked between two handlers: the rest is told in the next turns, those first that need little
    /// (`ReadinessHandler.rank`).
    public var isTurnOver: () -> Bool = { false }

    private var epoll: Int32
    private var ready = ReadyList()
    private var registrations = RegistrationTable()
    /// Turns one after another in which events of no registration came.
    private var strayTurns = 0
    private var timers = TimerQueue()
    private var isStopped = false
    /// Descriptors that are ready in this turn, and are told of now or in the next ones.
    public private(set) var readyCount = 0
    /// When it wakes by itself.
    private var sleepsUntil = Instant.zero

    public init() throws(SystemError) {
        let epoll = try Self.makeEpoll()
        do {
            mailbox = Mailbox(eventDescriptor: try check(cshims_eventfd(), "eventfd"))
            try check(
                cshims_epoll_control(
                    epoll, EPOLL_CTL_ADD, mailbox.eventDescriptor, Interest.read.rawValue,
                    Self.mailboxData), "epoll_ctl")
        } catch {
            Socket.close(epoll)
            throw error
        }
        self.epoll = epoll
        now = MonotonicClock.now()
    }

    deinit {
        _ = mailbox.take(closing: true)
        ready.free()
        Socket.close(epoll)
    }

    private static func makeEpoll() throws(SystemError) -> Int32 {
        let epoll = try check(epoll_create1(Int32(EPOLL_CLOEXEC)), "epoll_create1")
        cshims_descriptor_track(epoll)
        return epoll
    }

    /// No registration has this slot and generation.
    private static let mailboxData = UInt64.max

    // MARK: Descriptors

    /// Tells `handler`, which is retained until the removal, when `descriptor` is ready.
    ///
    /// - Throws: EEXIST if the loop has the descriptor already, EPERM for what cannot be waited
    ///   for (a file), ENOMEM, ENOSPC.
    public func add(
        _ descriptor: Int32, _ interest: Interest, handler: any ReadinessHandler
    ) throws(SystemError) -> Registration {
        let registration = registrations.insert(descriptor, interest, handler)
        do throws(SystemError) {
            try control(EPOLL_CTL_ADD, descriptor, interest, registration)
        } catch {
            _ = registrations.remove(registration)
            throw error
        }
        return registration
    }

    /// Changes what a registration waits for; nothing happens for one that was removed. False: the
    /// epoll has lost the descriptor, because somebody has closed it under us.
    @discardableResult
    public func modify(_ registration: Registration, _ interest: Interest) -> Bool {
        guard let descriptor = registrations.descriptor(of: registration) else { return true }
        registrations.setInterest(interest, of: registration)
        do throws(SystemError) {
            try control(EPOLL_CTL_MOD, descriptor, interest, registration)
            return true
        } catch {
            return false
        }
    }

    /// Ends a registration. Call it before the descriptor is closed: a duplicate elsewhere would
    /// otherwise keep it in the epoll.
    public func remove(_ registration: Registration) {
        guard let descriptor = registrations.remove(registration) else { return }
        try? control(EPOLL_CTL_DEL, descriptor, [], registration)
    }

    /// Ends a registration whose descriptor is not ours any more: its number may be somebody's, or
    /// another registration's.
    public func forget(_ registration: Registration) { _ = registrations.remove(registration) }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ interest: Interest, _ registration: Registration
    ) throws(SystemError) {
        try check(
            cshims_epoll_control(
                epoll, operation, descriptor, interest.rawValue, registration.data), "epoll_ctl")
    }

    // MARK: Timers and jobs

    /// Runs `action` in the first turn at or after `due`.
    @discardableResult
    public func schedule(at due: Instant, _ action: @escaping () -> Void) -> TimerID {
        timers.schedule(at: due, action)
    }

    @discardableResult
    public func schedule(
        afterMilliseconds wait: Int64, _ action: @escaping () -> Void
    ) -> TimerID {
        timers.schedule(at: now.adding(milliseconds: wait), action)
    }

    public func cancel(_ timer: TimerID) { timers.cancel(timer) }

    /// Runs `job` in one of the next turns; see `Mailbox.post` for other threads.
    @discardableResult
    public func post(_ job: @escaping Mailbox.Job) -> Bool { mailbox.post(job) }

    // MARK: Turns

    /// Runs turns until `stop` or `Mailbox.stopLoop`.
    public func run() {
        while !isStopped { runOnce() }
    }

    /// Makes `run` return after this turn. The loop does not run again.
    public func stop() { isStopped = true }

    /// One turn, which sleeps at most `timeoutMilliseconds` (nil: until something happens).
    public func runOnce(timeoutMilliseconds: Int64? = nil) {
        guard ready.isEmpty || ready.isOld(MonotonicClock.now()) else {
            return mailbox.turns.take { turn { tellReady() } }
        }
        var wait: Int32 = 0
        let isLeft = !ready.isEmpty
        mailbox.turns.take { wait = isLeft ? 0 : waitMilliseconds(timeoutMilliseconds) }
        let count = epoll_wait(epoll, ready.events, Int32(ready.limit), wait)
        let isBroken = count < 0 && lastErrno() != EINTR
        mailbox.turns.take {
            if isBroken { repair(isOpen: false) }
            turn {
                // A negative count is EINTR where the host runs a loop with signals open: an empty
                // turn.
                if count >= 0 { take(Int(count)) }
                if count <= 0 { runJobs(areTold: false) }
            }
        }
    }

    private func turn(_ dispatch: () -> Void) {
        now = MonotonicClock.now()
        dispatch()
        // What they schedule for now waits for the next turn, so that descriptors have theirs.
        let newest = timers.newest
        while let action = timers.popDue(now, upTo: newest) { action() }
        afterTurn()
        if mailbox.isStopping { isStopped = true }
    }

    /// A part of a turn on a thread that has the loop lent. The loop is woken if it has more to do
    /// than it sleeps for.
    public func lent(_ body: () -> Void) {
        now = MonotonicClock.now()
        body()
        guard nextDue < sleepsUntil else { return }
        sleepsUntil = .zero
        mailbox.wake()
    }

    /// So many have just been told by epoll.
    private func take(_ count: Int) {
        let isPressed = !ready.isEmpty
        ready.fill(count, at: now)
        var isStray = false
        if isPressed || count > Self.eventsPerTurnMax {
            rank(&isStray)
            tellReady()
        } else {
            isStray = tellReady()
        }
        strayTurns = isStray ? strayTurns + 1 : 0
        if strayTurns >= Self.strayTurnsMax { repair(isOpen: true) }
    }

    private func rank(_ isStray: inout Bool) {
        ready.sort { data in
            if data == Self.mailboxData { return 0 }
            if let handler = registrations.handler(of: Registration(data: data)) {
                return handler.rank
            }
            isStray = true
            return 0
        }
    }

    /// Tells those who are ready, until the turn is over. True: one of them is not ours any more.
    @discardableResult
    private func tellReady() -> Bool {
        var isStray = false
        readyCount = ready.count
        var told = 0
        while let index = ready.next() {
            let data = ready.data(index)
            // An earlier handler of this turn may have removed it.
            if data == Self.mailboxData {
                runJobs(areTold: true)
            } else if let handler = registrations.handler(of: Registration(data: data)) {
                handler.ready(ready.readiness(index))
            } else {
                isStray = true
            }
            told += 1
            if told >= Self.eventsPerTurnMax { break }
            if told >= Self.toldMin, isTurnOver() { break }
        }
        guard !ready.isEmpty, !ready.isRanked else { return isStray }
        var isGone = false
        rank(&isGone)
        return isStray
    }

    /// However much they need.
    private static let toldMin = 4

    private func runJobs(areTold: Bool) {
        for job in mailbox.take(areTold: areTold) { job() }
    }

    // MARK: What somebody else in the process has closed

    /// Then the epoll reports what it must have forgotten: a descriptor that was closed elsewhere
    /// while a duplicate keeps its socket alive cannot be taken out any more.
    static let strayTurnsMax = 100

    /// Nobody can wake a loop whose own descriptor was closed: it looks into its mailbox by itself.
    static let sleepMillisecondsMax: Int64 = 2_000

    /// A new epoll, with what is still ours.
    ///
    /// - Parameter isOpen: the old one is ours still; else its number may be anybody's.
    private func repair(isOpen: Bool) {
        strayTurns = 0
        ready.clear()
        guard let fresh = try? Self.makeEpoll() else {
            // No descriptor is left; not to spin is all that can be done.
            poll(nil, 0, Self.repairRestMilliseconds)
            return
        }
        if isOpen { Socket.close(epoll) } else { cshims_descriptor_untrack(epoll) }
        epoll = fresh
        _ = cshims_epoll_control(
            epoll, EPOLL_CTL_ADD, mailbox.eventDescriptor, Interest.read.rawValue,
            Self.mailboxData)
        registrations.forEach { registration, entry in
            guard entry.handler?.isIntact == true else { return }
            try? control(EPOLL_CTL_ADD, entry.descriptor, entry.interest, registration)
        }
    }

    private static let repairRestMilliseconds: Int32 = 10

    private var nextDue: Instant {
        min(deadline() ?? .distantFuture, timers.nextDue() ?? .distantFuture)
    }

    /// Rounded up, so that a timer is due when the loop wakes for it.
    private func waitMilliseconds(_ timeout: Int64?) -> Int32 {
        let next = nextDue
        sleepsUntil = next
        let limit = min(timeout ?? .max, Self.sleepMillisecondsMax)
        guard next != .distantFuture else { return Int32(clamping: limit) }
        let left = next.nanoseconds.subtractingReportingOverflow(
            MonotonicClock.now().nanoseconds)
        guard !left.overflow, left.partialValue > 0 else { return 0 }
        return Int32(clamping: min(limit, (left.partialValue - 1) / 1_000_000 + 1))
    }
}
