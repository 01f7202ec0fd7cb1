import GatewayCore

/// How much is written to whom at the end of a turn. Two clients get a megabyte each; more share
/// what a turn has, and small output never waits for large.
struct WriteTurn {
    private static let bytesMin = 16 << 10
    /// What costs no more than the call.
    static let smallBytes = 2 << 10
    /// Of all clients together, if they get more than the least.
    private static let sharedBytes = 512 << 10

    let bytesMax: Int
    /// There is not a megabyte for each.
    let isShared: Bool

    init(clients: Int) {
        let share = Self.sharedBytes / max(1, clients)
        bytesMax = min(GatewayEngine.turnBytesMax, max(Self.bytesMin, share))
        isShared = share < GatewayEngine.turnBytesMax
    }
}
