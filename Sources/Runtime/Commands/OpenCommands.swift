import GatewayCore
import Synchronization

/// The tokens of one loop that the host may still answer. The one thing of the loop that other
/// threads look at: an answer is taken, or told to be too late, before it is on its way.
final class OpenCommands: Sendable {
    private let tokens = Mutex<Set<HostToken>>([])

    func add(_ token: HostToken) { _ = tokens.withLock { $0.insert(token) } }

    /// True for one caller: the answer is its to give.
    func claim(_ token: HostToken) -> Bool { tokens.withLock { $0.remove(token) != nil } }
}
