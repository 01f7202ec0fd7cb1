import Timing

/// A member of a classic group.
final class GroupMember {
    struct GroupProtocol: Equatable {
        let name: String
        let metadata: [UInt8]
    }

    let id: String
    let instanceID: String?
    let clientID: String
    let sessionTimeoutMilliseconds: Int64
    let rebalanceTimeoutMilliseconds: Int64
    var protocols: [GroupProtocol]
    var assignment: [UInt8] = []
    /// Its JoinGroup or SyncGroup that waits for the others.
    var joining: RequestContext?
    var syncing: RequestContext?
    /// When it is taken for dead.
    private(set) var deadline: Instant

    init(
        id: String, instanceID: String?, clientID: String, sessionTimeoutMilliseconds: Int64,
        rebalanceTimeoutMilliseconds: Int64, protocols: [GroupProtocol], now: Instant
    ) {
        self.id = id
        self.instanceID = instanceID
        self.clientID = clientID
        self.sessionTimeoutMilliseconds = sessionTimeoutMilliseconds
        self.rebalanceTimeoutMilliseconds = rebalanceTimeoutMilliseconds
        self.protocols = protocols
        deadline = now.adding(milliseconds: sessionTimeoutMilliseconds)
    }

    func metadata(of name: String?) -> [UInt8] {
        protocols.first { $0.name == name }?.metadata ?? []
    }

    /// Whether it waits for an answer: such a member cannot send heartbeats.
    var isWaiting: Bool { joining != nil || syncing != nil }

    func seen(now: Instant) {
        deadline = now.adding(milliseconds: sessionTimeoutMilliseconds)
    }
}
