import Bytes
import EventLoop
import Glibc
import Synchronization
import Timing

/// Where log lines of the process go: standard error, or the host's function.
public final class LogSink: Sendable {
    public typealias Function =
        @convention(c) (UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?, Int) -> Void

    public static let shared = LogSink()

    /// Longer lines are cut: a peer's bytes may be part of them.
    static let lineBytesMax = 2000

    /// Sendable: the header says that any thread of the library calls the function, one at a time.
    private struct Receiver: @unchecked Sendable {
        let function: Function
        /// The host's, only ever handed back to it.
        let argument: UnsafeMutableRawPointer?
    }

    private struct State {
        var receiver: Receiver?
        /// What is broken is told however much else there is to tell.
        var errors: LineLimit
        var others: LineLimit
    }

    private let threshold = Atomic<Int32>(HostLogLevel.warning.rawValue)
    private let state: Mutex<State>
    /// The thread that is in the host's function; 0: none.
    private let writer = Atomic<UInt>(0)

    init() {
        let limit = LineLimit(now: MonotonicClock.now())
        state = Mutex(State(errors: limit, others: limit))
    }

    public func takes(_ level: HostLogLevel) -> Bool {
        level != .off && level.rawValue <= threshold.load(ordering: .relaxed)
    }

    /// When it returns, the former function is not running: lines are written under the same lock.
    public func set(
        level: HostLogLevel, _ function: Function?, _ argument: UnsafeMutableRawPointer?
    ) throws(Failure) {
        guard writer.load(ordering: .relaxed) != UInt(pthread_self()) else {
            throw Failure(.state, "pubsubgw_set_log was called by the log function itself")
        }
        state.withLock { state in
            state.receiver = function.map { Receiver(function: $0, argument: argument) }
            threshold.store(level.rawValue, ordering: .relaxed)
        }
    }

    /// `queues` get the line too; with one of them and no function of the host's, standard error
    /// does not.
    func write(_ level: HostLogLevel, _ text: String, queues: [EventQueue] = []) {
        guard takes(level) else { return }
        let line = Self.clean(text)
        state.withLock { state in
            let suppressed =
                level == .error
                ? state.errors.pass(now: MonotonicClock.now())
                : state.others.pass(now: MonotonicClock.now())
            guard let suppressed else { return }
            if suppressed > 0 {
                let told = min(level, .warning)
                deliver(told, "\(suppressed) log lines suppressed", state.receiver, queues)
            }
            deliver(level, line, state.receiver, queues)
        }
    }

    private func deliver(
        _ level: HostLogLevel, _ line: String, _ receiver: Receiver?, _ queues: [EventQueue]
    ) {
        for queue in queues {
            var event = QueueEvent(.log)
            event.code = level.rawValue
            event.text = line
            queue.push(event)
        }
        var line = line
        if let receiver {
            let count = line.utf8.count
            writer.store(UInt(pthread_self()), ordering: .relaxed)
            defer { writer.store(0, ordering: .relaxed) }
            line.withCString { receiver.function(receiver.argument, level.rawValue, $0, count) }
        } else if queues.isEmpty {
            line = "pubsubgw: \(level.name): \(line)\n"
            line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
        }
    }

    /// Control characters would let a client forge lines; they are shown as \xNN or \u{NNNN}.
    static func clean(_ text: String) -> String {
        var line = ""
        line.reserveCapacity(min(text.utf8.count, lineBytesMax))
        for scalar in text.unicodeScalars {
            if line.utf8.count >= lineBytesMax { return line + "..." }
            if OutsideText.isUnsafe(scalar) {
                let digits = String(scalar.value, radix: 16)
                switch digits.count {
                case 1: line += "\\x0\(digits)"
                case 2: line += "\\x\(digits)"
                default: line += "\\u{\(digits)}"
                }
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}
