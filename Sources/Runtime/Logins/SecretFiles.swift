import EventLoop
import Glibc
import KafkaCore
import SASL
import Synchronization
import Timing

/// Files with passwords, tokens, keys and certificates, read again when they have changed. For the
/// thread that may wait for a disk.
final class SecretFiles: Sendable {
    /// A chain of certificates has some kilobytes; a secret less.
    static let bytesMax = 1 << 20
    /// Whoever replaces a file may have removed it before; a file that stays away for longer was
    /// taken away on purpose.
    static let keptMilliseconds: Int64 = 600_000

    struct Unreadable: Error {
        let text: String
    }

    /// What tells that a file has changed.
    private struct Identity: Equatable {
        let device: UInt
        let inode: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init(_ status: stat) {
            device = UInt(status.st_dev)
            inode = UInt(status.st_ino)
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    private struct Known {
        var identity: Identity
        var text: String
        /// When it was last there.
        var seenAt: Instant
        var trouble = Trouble()
    }

    private let known = Mutex<[String: Known]>([:])
    private let log = Mutex<LoginLog?>(nil)

    func start(log: @escaping LoginLog) { self.log.withLock { $0 = log } }

    private func log(_ level: LogLevel, _ text: String) {
        log.withLock { $0 }?(level, text)
    }

    /// A secret: one line, whose end is not a part of it.
    func secret(_ file: SecretFile) throws(Unreadable) -> String {
        var text = Substring(try text(file))
        if text.utf8.last == UInt8(ascii: "\n") { text.unicodeScalars.removeLast() }
        if text.utf8.last == UInt8(ascii: "\r") { text.unicodeScalars.removeLast() }
        guard !text.isEmpty else { throw Self.unreadable(file, "the file is empty") }
        return String(text)
    }

    /// The whole text. One that cannot be read any more is what it was, for a while.
    func text(_ file: SecretFile) throws(Unreadable) -> String {
        let now = MonotonicClock.now()
        let last = known.withLock { $0[file.path] }
        do {
            return try read(file, last, now)
        } catch {
            guard let last, last.seenAt.adding(milliseconds: Self.keptMilliseconds) > now else {
                throw error
            }
            tellTrouble(file, error.text, now)
            return last.text
        }
    }

    enum TLSResult {
        case read(TLSSettings)
        case failure(String)
    }

    /// The settings with the files' texts.
    func read(_ settings: TLSSettings) -> TLSResult {
        var reason = ""
        let read = settings.read { file in
            do throws(Unreadable) {
                return try text(file)
            } catch {
                reason = error.text
                return nil
            }
        }
        return read.map { .read($0) } ?? .failure(reason)
    }

    private func read(
        _ file: SecretFile, _ last: Known?, _ now: Instant
    ) throws(Unreadable) -> String {
        // A FIFO would wait for somebody who writes.
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            throw Self.unreadable(file, SystemError("open", errno: errno).text)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw Self.unreadable(file, SystemError("fstat", errno: errno).text)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Self.unreadable(file, "not a file") }
        let identity = Identity(status)
        var text = last?.text ?? ""
        if last?.identity != identity { text = try contents(of: descriptor, file) }
        keep(file, identity, text, now)
        return text
    }

    private func contents(of descriptor: Int32, _ file: SecretFile) throws(Unreadable) -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= Self.bytesMax {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Self.unreadable(file, SystemError("read", errno: errno).text)
            }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        guard bytes.count <= Self.bytesMax else {
            throw Self.unreadable(file, "longer than \(Self.bytesMax) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Self.unreadable(file, "not UTF-8")
        }
        return text
    }

    private func keep(_ file: SecretFile, _ identity: Identity, _ text: String, _ now: Instant) {
        let (isNew, isBack) = known.withLock { known in
            let last = known[file.path]
            var next = last ?? Known(identity: identity, text: text, seenAt: now)
            let isBack = next.trouble.ends(now: now)
            next.identity = identity
            next.text = text
            next.seenAt = now
            known[file.path] = next
            return (last.map { $0.text != text } ?? false, isBack)
        }
        if isBack { log(.warning, "\(file.key) \(file.path): can be read again") }
        if isNew { log(.info, "\(file.key) \(file.path): has changed, and is read anew") }
    }

    private func tellTrouble(_ file: SecretFile, _ text: String, _ now: Instant) {
        let isNews = known.withLock { $0[file.path]?.trouble.begins(text, now: now) }
        guard isNews == true else { return }
        let minutes = Self.keptMilliseconds / 60_000
        log(.warning, "\(text): what it held goes on being used, for \(minutes) minutes")
    }

    private static func unreadable(_ file: SecretFile, _ reason: String) -> Unreadable {
        Unreadable(text: "\(file.key) \(file.path): \(reason)")
    }
}
