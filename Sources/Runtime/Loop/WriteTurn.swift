import GatewayCore

/// How much is written to whom at the end of a turn. One client gets a megabyte; more share what a
/// turn has, and small output never waits for large.
struct WriteTurn {
    private static let bytesMin = 16 << 10
    /// What costs no more than the call.
    static let smallBytes = 2 << 10
    /// Of all clients together, if they get more than the least.
    private static let sharedBytes = 512 << 10

    let bytesMax: Int
    /// There are others.
    let isShared: Bool

    init(clients: Int) {
        isShared = clients > 1
        bytesMax =
            isShared
            ? max(Self.bytesMin, Self.sharedBytes / clients) : GatewayEngine.turnBytesMax
    }
}
