import EventLoop
import Glibc
import Testing

/// Jobs from other threads, the life of a loop's thread.
@Suite struct MailboxTests {
    @Test func jobsRunInTheirOrderOnTheLoopsThread() throws {
        let seen = Box<[Int]>([])
        let threads = Box<Set<UInt>>([])
        let thread = try LoopThread(name: "test-loop") { $0.run() }
        for number in 0..<1000 {
            let posted = thread.mailbox.post {
                seen.value.append(number)
                threads.value.insert(UInt(pthread_self()))
            }
            #expect(posted)
        }
        thread.mailbox.post { thread.mailbox.stopLoop() }
        #expect(thread.join(milliseconds: 60_000))
        #expect(seen.value == Array(0..<1000))
        #expect(threads.value.count == 1)
        #expect(!threads.value.contains(UInt(pthread_self())))
    }

    @Test func anEndedLoopTakesNoJobs() throws {
        let thread = try LoopThread(name: "test-loop") { $0.run() }
        thread.mailbox.stopLoop()
        #expect(thread.join(milliseconds: 60_000))
        #expect(!thread.mailbox.post {})
    }

    @Test func theThreadHasItsNameAndNoSignals() throws {
        let name = Box(""), blocked = Box(false)
        var before = sigset_t(), after = sigset_t()
        pthread_sigmask(SIG_SETMASK, nil, &before)
        let thread = try LoopThread(name: "test-names") { _ in
            name.value = contents(of: "/proc/thread-self/comm")
            var mask = sigset_t()
            pthread_sigmask(SIG_SETMASK, nil, &mask)
            blocked.value = [SIGPIPE, SIGTERM, SIGHUP, SIGCHLD].allSatisfy {
                sigismember(&mask, $0) == 1
            }
        }
        #expect(thread.join(milliseconds: 60_000))
        #expect(name.value == "test-names\n")
        #expect(blocked.value)
        // The starting thread's own mask is as it was.
        pthread_sigmask(SIG_SETMASK, nil, &after)
        for signal in 1...Int32(31) {
            #expect(sigismember(&before, signal) == sigismember(&after, signal))
        }
    }

    @Test func joiningALoopThatRunsOnGivesUp() throws {
        let thread = try LoopThread(name: "test-loop") { $0.run() }
        #expect(!thread.join(milliseconds: 20))
        thread.mailbox.stopLoop()
    }

    @Test func aBoundValueOpensOnItsThread() async {
        #expect(LoopBound(7).value == 7)
        await #expect(processExitsWith: .failure) {
            let bound = LoopBound(7)
            let thread = try LoopThread(name: "foreign") { _ in _ = bound.value }
            thread.join(milliseconds: 60_000)
        }
    }
}

/// The text of a small file; empty if it cannot be read.
private func contents(of path: String) -> String {
    let file = open(path, O_RDONLY)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}
