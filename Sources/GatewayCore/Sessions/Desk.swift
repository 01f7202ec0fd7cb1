import KafkaCore

/// What a session is waiting for: its commands and its subscriptions.
final class Desk {
    /// Commands of the original protocol, in the order in which their replies go out.
    var queue = CommandQueue()
    /// Commands that are answered when they are ready.
    var free: [UInt64: PendingCommand] = [:]
    var hosted = HostedCommands()
    /// Look-ups of metadata that are not asked for yet: there is no room for their replies, or
    /// others are still told of all topics.
    var postponed: [(command: PendingCommand, query: MetadataQuery)] = []
    /// It stands among the seat's `roundWaiters`.
    var waitsForRound = false
    /// Those of all topics whose answer is there, to be told in turns of the session.
    var described: [(command: PendingCommand, query: MetadataQuery, all: AllTopics)] = []
    /// What the replies to those that were asked for may take.
    var promisedBytes = 0
    /// By the sequence of their CmdSubscribe.
    var subscriptions: [Int64: LiveSubscription] = [:]

    /// Commands that wait for their answer.
    var inFlight: Int { queue.count + free.count }
    var isEmpty: Bool { inFlight == 0 && subscriptions.isEmpty }
    var followedCount: Int { subscriptions.values.reduce(0) { $0 + $1.followedCount } }

    /// In the order of their coming, so that runs replay.
    var freeInOrder: [PendingCommand] { free.values.sorted { $0.number < $1.number } }

    /// In a fixed order, so that runs replay.
    var subscriptionsInOrder: [LiveSubscription] {
        subscriptions.count < 2
            ? Array(subscriptions.values)
            : subscriptions.values.sorted { $0.sequence < $1.sequence }
    }
}
