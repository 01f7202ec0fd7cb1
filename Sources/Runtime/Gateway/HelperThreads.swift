import EventLoop

/// The two threads for what blocks: name look-ups, and PBKDF2. Two, because a dead resolver must
/// not stop logins. Each starts with its first job.
struct HelperThreads: Sendable {
    let resolver = Resolver()
    let deriver = WorkerThread(name: "pubsubgw-kdf")

    func stop(milliseconds: Int32) {
        resolver.stop(milliseconds: milliseconds)
        deriver.stop(milliseconds: milliseconds)
    }
}
