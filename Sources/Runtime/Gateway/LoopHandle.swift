import EventLoop
import GatewayCore
import Glibc
import Synchronization

/// One loop of a gateway, as the other threads see it.
final class LoopHandle: Sendable {
    typealias Job = @Sendable (GatewayLoop) -> Void

    /// Bits of a session's number that name its loop.
    private static let indexBits: UInt64 = 8
    private static let sessionsMade = Atomic<UInt64>(0)

    let index: Int
    private let askMilliseconds: Int64
    private let place = LoopPlace()
    private let openCommands = OpenCommands()
    private let thread: LoopThread
    private let bell = Doorbell()
    /// Made once: a wake-up allocates nothing.
    private let answerBell: Mailbox.Job

    init(index: Int, gateway: Gateway, helpers: HelperThreads) throws(Failure) {
        precondition(index < 1 << Self.indexBits, "more loops than a session's number can tell")
        self.index = index
        askMilliseconds = gateway.settings.limits.askMilliseconds
        let place = place
        let openCommands = openCommands
        let bell = bell
        answerBell = { place.driver?.answerBell() }
        do {
            thread = try LoopThread(name: "pubsubgw-\(index)") { loop in
                let driver = GatewayLoop(
                    index: index, loop, gateway: gateway, helpers: helpers,
                    openCommands: openCommands, bell: bell)
                loop.mailbox.turns.take { place.enter(driver) }
                loop.run()
                loop.mailbox.turns.take {
                    // What was accepted is begun before all is cut, and nothing comes behind.
                    for job in loop.mailbox.close() { job() }
                    driver.shutDown()
                    place.leave()
                }
            }
        } catch {
            throw Failure(error)
        }
    }

    /// Never used before in this process, and below 2^53.
    func nextSessionID() -> SessionID {
        let number = Self.sessionsMade.add(1, ordering: .relaxed).newValue
        return SessionID(raw: number << Self.indexBits | UInt64(index))
    }

    /// Where a session lives.
    static func index(of session: UInt64) -> Int { Int(session & (1 << indexBits - 1)) }

    /// Runs `job` on the loop's thread, in the order of posting. False: the loop has ended.
    @discardableResult
    func post(_ job: @escaping Job) -> Bool {
        let place = place
        return thread.mailbox.post {
            guard let driver = place.driver else { return }
            job(driver)
        }
    }

    /// Something waits in the pipe of that session.
    func ring(_ session: UInt64) {
        if bell.ring(session) { thread.mailbox.post(answerBell) }
    }

    /// Looks, on this thread, at what waits in the pipe of that session, if that is little work and
    /// the loop itself has nothing to do. nil: ring.
    func attendHere(_ session: UInt64) -> Attended? {
        // A function of the host's that the loop has called has the loop already. And what the
        // host has asked for before comes first.
        guard !isCurrent, thread.mailbox.isEmpty else { return nil }
        var attended: Attended?
        _ = thread.mailbox.turns.takeIfFree {
            attended = place.driver?.attendLent(SessionID(raw: session))
        }
        return attended
    }

    /// Runs `question` on the loop's thread and waits for its answer; nil: it has ended, or did
    /// not answer in time.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (GatewayLoop) -> Answer
    ) -> Answer? {
        // Asked from a log function, say.
        if isCurrent { return place.driver.map(question) }
        let latch = Latch(count: 1)
        let answer = Box<Answer>()
        let isPosted = post { driver in
            answer.set(question(driver))
            latch.countDown()
        }
        guard isPosted, latch.wait(milliseconds: askMilliseconds) else { return nil }
        return answer.value
    }

    /// Hands the host's answer to the loop. False: it is too late, or not the first one.
    func answer(_ token: HostToken, _ answer: HostAnswer) -> Bool {
        guard openCommands.claim(token) else { return false }
        guard isCurrent, let driver = place.driver else {
            return post { $0.answer(token, answer) }
        }
        driver.answerSoon(token, answer)
        return true
    }

    /// Whether this thread is the loop's.
    var isCurrent: Bool { place.isCurrent }

    /// Cuts everything and lets the thread end; `join` waits for it.
    func end() { thread.mailbox.stopLoop() }

    func join() { thread.join() }
}

/// The loop's own object. Sendable, so that the handle's jobs may carry it: `driver` is only
/// touched in turns of the loop, on its thread or on one that it is lent to.
private final class LoopPlace: @unchecked Sendable {
    private(set) var driver: GatewayLoop?
    private let thread = Atomic<UInt>(0)

    func enter(_ driver: GatewayLoop) {
        self.driver = driver
        thread.store(UInt(pthread_self()), ordering: .relaxed)
    }

    /// A thread that begins later may get the number of this one.
    func leave() {
        driver = nil
        thread.store(0, ordering: .relaxed)
    }

    var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }
}

/// A value that one thread sets and another reads behind a latch.
private final class Box<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    func set(_ value: Value) { content.withLock { $0 = value } }
    var value: Value? { content.withLock { $0 } }
}
