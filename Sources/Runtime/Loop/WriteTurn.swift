import GatewayCore

/// How much is written to whom at the end of a turn. A few clients get a megabyte each; many share
/// what a turn has, and small output never waits for large.
struct WriteTurn {
    private static let bytesMin = 16 << 10
    /// Of all clients together, if they get more than the least.
    private static let sharedBytes = 2 << 20

    let bytesMax: Int
    private let isShared: Bool

    init(clients: Int) {
        let share = Self.sharedBytes / max(1, clients)
        bytesMax = min(GatewayEngine.turnBytesMax, max(Self.bytesMin, share))
        isShared = share < GatewayEngine.turnBytesMax
    }

    /// Whether a client with so many bytes to send is written to now.
    func takes(_ unsentBytes: @autoclosure () -> Int, _ engine: GatewayEngine) -> Bool {
        !isShared || !engine.isTurnOver || unsentBytes() <= Self.bytesMin
    }
}
