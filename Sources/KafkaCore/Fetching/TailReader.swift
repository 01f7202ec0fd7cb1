import KafkaProtocol
import Timing

/// One broker's long poll for one isolation level: all partitions that somebody waits for at their
/// end, each once.
final class TailReader {
    unowned let broker: BrokerReads
    let isolation: Isolation
    var session = FetchSession()
    /// The one that the session was opened on: another begins another.
    var sessionConnection: BrokerConnectionID?
    /// In the order in which they were followed.
    var follows = SlotList<Follow>()
    var fetch: TailFetch?
    /// Of polls that come back at once, with nothing.
    var pace: RetryPace
    /// Its fetches are refused as a whole.
    var refusal = Trouble()
    /// Followers came or went: while that goes on, polls are short, because a follower has to
    /// wait for the poll in flight.
    var changedAt = Instant.zero

    static let settledMilliseconds: Int64 = 1_000

    init(_ broker: BrokerReads, _ isolation: Isolation, retryMaxMilliseconds: Int64) {
        self.broker = broker
        self.isolation = isolation
        pace = RetryPace(
            initialMilliseconds: KafkaLimits.firstRetryMilliseconds,
            maximumMilliseconds: retryMaxMilliseconds)
    }
}

/// One long poll in flight.
final class TailFetch: WholeAnswerPurpose {
    struct Item {
        let follow: Follow
        /// Kept while it is in flight: its topic may be deleted meanwhile.
        let partition: PartitionReads
        let offset: Int64

        /// The follower still waits for it.
        var isCurrent: Bool { partition.follow(follow.isolation) === follow }
    }

    unowned(unsafe) let tails: Tails
    let tail: TailReader
    /// Kept while it is in flight: the broker may go meanwhile.
    private let broker: BrokerReads
    /// Empty: the request ends the session.
    let items: [Item]
    /// How long the broker may hold it.
    let waitMilliseconds: Int64
    /// It has brought a follower forward, or sent it elsewhere.
    var hasProgress = false

    init(_ tails: Tails, _ tail: TailReader, _ items: [Item], waitMilliseconds: Int64) {
        self.tails = tails
        self.tail = tail
        broker = tail.broker
        self.items = items
        self.waitMilliseconds = waitMilliseconds
    }

    func answered(_ response: FetchResponse, _ answer: Answer) {
        tails.received(self, response, answer)
    }

    func lost(_ failure: KafkaFailure) { tails.lost(self, failure) }

    var isAbandoned: Bool { !items.contains { $0.isCurrent } }
}
