import Glibc

/// Host names to addresses, on a thread of its own: a dead resolver must not stop anything else.
public final class Resolver: Sendable {
    public typealias Answer = Result<[SocketAddress], ResolveFailure>

    private let worker: WorkerThread

    public init(threadName: String = "pubsubgw-dns") { worker = WorkerThread(name: threadName) }

    /// Looks `host` up and posts the answer, in the system's order of preference. IP literals are
    /// answered without the thread, by the same way.
    public func resolve(
        host: String, port: UInt16, replyTo mailbox: Mailbox,
        _ completion: @escaping @Sendable (Answer) -> Void
    ) {
        if let address = SocketAddress(literal: host, port: port) {
            mailbox.post { completion(.success([address])) }
            return
        }
        let accepted = worker.submit {
            let answer = lookUp(host, port: port, flags: AI_ADDRCONFIG | AI_NUMERICSERV)
            mailbox.post { completion(answer) }
        }
        if !accepted {
            let failure = ResolveFailure(text: "too many name look-ups wait")
            mailbox.post { completion(.failure(failure)) }
        }
    }

    /// See `WorkerThread.stop`.
    @discardableResult
    public func stop(milliseconds: Int32) -> Bool { worker.stop(milliseconds: milliseconds) }
}
