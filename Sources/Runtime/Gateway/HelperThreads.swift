import EventLoop

/// The threads for what blocks: name look-ups, PBKDF2, files with secrets. Each has its own: a dead
/// resolver or disk must not stop other logins. Each starts with its first job.
struct HelperThreads: Sendable {
    let resolver = Resolver()
    let deriver = WorkerThread(name: "pubsubgw-kdf")
    let files = WorkerThread(name: "pubsubgw-files")

    func stop(milliseconds: Int32) {
        resolver.stop(milliseconds: milliseconds)
        deriver.stop(milliseconds: milliseconds)
        files.stop(milliseconds: milliseconds)
    }
}
