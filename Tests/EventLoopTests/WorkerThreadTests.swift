import EventLoop
import Glibc
import Testing

/// The helper threads: bounded, stoppable even when a call hangs.
@Suite struct WorkerThreadTests {
    @Test func jobsRunInTheirOrder() throws {
        let worker = WorkerThread(name: "test-worker")
        let loop = try EventLoop()
        let mailbox = loop.mailbox
        let seen = Box<[Int]>([])
        for number in 0..<100 {
            #expect(worker.submit { mailbox.post { seen.value.append(number) } })
        }
        #expect(loop.turn { seen.value.count == 100 })
        #expect(seen.value == Array(0..<100))
        #expect(worker.stop(milliseconds: 60_000))
        #expect(!worker.submit {})
    }

    @Test func moreJobsThanMayWaitAreRefused() {
        let worker = WorkerThread(name: "test-worker", jobsMax: 3)
        let gate = Gate()
        #expect(worker.submit { gate.wait() })
        gate.waitUntilSomebodyWaits()
        for _ in 0..<3 { #expect(worker.submit {}) }
        #expect(!worker.submit {})
        gate.open()
        #expect(worker.stop(milliseconds: 60_000))
    }

    @Test func aHangingJobIsLeftBehind() {
        let worker = WorkerThread(name: "test-worker")
        let gate = Gate()
        #expect(worker.submit { gate.wait() })
        gate.waitUntilSomebodyWaits()
        #expect(!worker.stop(milliseconds: 20))
        gate.open()
    }

    @Test(arguments: ["127.0.0.1", "::1", "[::1]", "localhost"])
    func namesAndLiteralsResolve(host: String) throws {
        let loop = try EventLoop()
        let answer = Box<Resolver.Answer?>(nil)
        let resolver = Resolver()
        resolver.resolve(host: host, port: 9092, replyTo: loop.mailbox) { answer.value = $0 }
        #expect(loop.turn { answer.value != nil })
        let addresses = try #require(answer.value).get()
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.port == 9092 })
        #expect(addresses.allSatisfy { ["127.0.0.1", "::1"].contains($0.host) })
    }

    @Test func aNameThatIsNoneFails() throws {
        let loop = try EventLoop()
        let answer = Box<Resolver.Answer?>(nil)
        let resolver = Resolver()
        resolver.resolve(host: "no..name", port: 1, replyTo: loop.mailbox) { answer.value = $0 }
        #expect(loop.turn { answer.value != nil })
        #expect(throws: ResolveFailure.self) { try #require(answer.value).get() }
    }
}

/// A door for a job of a test to hang at.
final class Gate: @unchecked Sendable {
    private let waiting = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let opened = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        sem_init(waiting, 0, 0)
        sem_init(opened, 0, 0)
    }

    deinit {
        for semaphore in [waiting, opened] {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }
    }

    func wait() {
        sem_post(waiting)
        sem_wait(opened)
    }

    func waitUntilSomebodyWaits() { sem_wait(waiting) }
    func open() { sem_post(opened) }
}
