import EventLoop

/// The threads for what blocks: name look-ups, PBKDF2, files with secrets, Kerberos. Each has its
/// own: a dead resolver, disk or KDC must not stop other logins. Each starts with its first job.
struct HelperThreads: Sendable {
    let resolver = Resolver()
    let deriver = WorkerThread(name: "pubsubgw-kdf")
    let files = WorkerThread(name: "pubsubgw-files")
    let kerberos = WorkerThread(name: "pubsubgw-krb5")

    func stop(milliseconds: Int32) {
        resolver.stop(milliseconds: milliseconds)
        deriver.stop(milliseconds: milliseconds)
        files.stop(milliseconds: milliseconds)
        kerberos.stop(milliseconds: milliseconds)
    }
}
