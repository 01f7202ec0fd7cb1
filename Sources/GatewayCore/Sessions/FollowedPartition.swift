import KafkaCore
import PubSubProtocol
import Timing

/// One partition of a subscription. This type alone writes its life:
///
///     searching -> located -> followed
///     any of them -> located, where its follower has failed; or dropped, for good
final class FollowedPartition {
    enum Life {
        /// Where it begins is looked up, or will be.
        case searching(Search)
        /// It is to be followed, and its client may have to be told so first.
        case located
        /// A follower stands there, or rests: its client has no credit or no room.
        case followed
        /// It was given up and told so, which is not the same as never seen: only a new subscribe
        /// brings it back.
        case dropped
    }

    struct Search {
        /// The look-up in flight.
        var token: RequestToken?
        /// Without one: when the next is due.
        var nextAt = Instant.distantFuture
        /// Why the last one failed.
        var failure: KafkaFailure?
        /// What the client was told of it; nil: nothing.
        var toldReason: String?
    }

    /// Nothing comes of it for now.
    struct Stall {
        let failure: KafkaFailure
        /// Nobody is told of what passes before.
        let tellsAt: Instant
        var isTold = false
    }

    /// What the client has to be told.
    enum News {
        case begins(PartitionStart.Outcome)
        case waits(reason: String)
        case dropped(KafkaFailure)
    }

    let topic: String
    let partition: Int32
    private(set) var start: PubSubProtocol.Subscription.Start
    /// Its client named the topic only.
    let isOfWholeTopic: Bool
    /// Which log it reads, once that is known: another one does not go on where this one was.
    private(set) var log: LogIdentity?
    private(set) var life: Life
    private(set) var news: News?
    /// Of a followed one.
    private(set) var follower: Follower?
    /// Where it is, as its client was told, once that is known: a follower may be further.
    private var place: Int64 = -1
    /// It has been at the partition's end, and was not held up by its client since then.
    private(set) var hasCaughtUp = false
    private(set) var stall: Stall?
    /// How it is told where it begins.
    private var beginning = PartitionStart.Outcome.asAsked
    private var backoff: Backoff

    init(
        _ topic: String, _ partition: Int32, _ start: PubSubProtocol.Subscription.Start,
        isOfWholeTopic: Bool
    ) {
        self.topic = topic
        self.partition = partition
        self.start = start
        self.isOfWholeTopic = isOfWholeTopic
        life = .searching(Search())
        backoff = Backoff(
            initialMilliseconds: Self.searchPauseMilliseconds,
            maximumMilliseconds: Self.searchPauseMillisecondsMax)
    }

    /// Between two look-ups. Each has asked again and again for a whole request timeout, or was
    /// refused because no broker could be reached.
    static let searchPauseMilliseconds: Int64 = 500
    static let searchPauseMillisecondsMax: Int64 = 10_000
    /// How long it may be stalled before the client is told: most elections are shorter.
    static let stallMilliseconds: Int64 = 1_000

    // MARK: What is true

    /// Where it is; nil: not known yet, or dropped.
    var offset: Int64? {
        switch life {
        case .located, .followed: place
        case .searching, .dropped: nil
        }
    }

    var search: Search? { if case .searching(let search) = life { search } else { nil } }
    var isDropped: Bool { if case .dropped = life { true } else { false } }

    /// A look-up has failed, and no other is in flight.
    var isWithoutHope: Bool { search.map { $0.token == nil && $0.failure != nil } ?? isDropped }

    /// When it wants to be looked at.
    var deadline: Instant {
        switch life {
        case .searching(let search): search.token == nil ? search.nextAt : .distantFuture
        case .located, .followed:
            stall.map { $0.isTold ? .distantFuture : $0.tellsAt } ?? .distantFuture
        case .dropped: .distantFuture
        }
    }

    // MARK: Search

    func searches(_ token: RequestToken) {
        guard case .searching(var search) = life else { return }
        search.token = token
        life = .searching(search)
    }

    func searchFailed(_ failure: KafkaFailure, now: Instant, _ random: inout SeededRandom) {
        guard case .searching(var search) = life else { return }
        search.token = nil
        search.nextAt = now.adding(milliseconds: backoff.next(&random))
        search.failure = failure
        life = .searching(search)
        if search.toldReason != nil { admitSearch(reason: GatewayFault(failure).words(failure)) }
    }

    /// The client is told that its place is not known yet, once for each reason.
    func admitSearch(reason: String) {
        guard case .searching(var search) = life, search.toldReason != reason else { return }
        search.toldReason = reason
        life = .searching(search)
        news = .waits(reason: reason)
    }

    func found(_ offset: Int64, atEnd: Bool) {
        guard case .searching = life else { return }
        life = .located
        place = offset
        hasCaughtUp = atEnd
        news = .begins(beginning)
    }

    /// Its topic was deleted and created again: it begins in the new log. All of that came into
    /// being since, also for whoever wanted only what comes. False: its client has named offsets or
    /// the partition itself, and has to decide.
    func beginsAnew() -> Bool {
        guard isOfWholeTopic else { return false }
        switch start {
        case .offset: return false
        case .latest: start = .earliest
        case .earliest, .timestamp: break
        }
        life = .searching(Search())
        news = nil
        stall = nil
        hasCaughtUp = false
        beginning = .begunAnew
        log = nil
        return true
    }

    // MARK: Following

    func follows(_ follower: Follower) {
        guard case .located = life else { return }
        life = .followed
        self.follower = follower
    }

    /// Its follower is over.
    func isLost() {
        guard let follower else { return }
        log = follower.log
        life = .located
        self.follower = nil
    }

    /// Its client is told so far, or what is in front of that cannot be read.
    func advance(to offset: Int64) { place = offset }

    /// Its client takes nothing: it is no measure of lag any more.
    func isHeldUp() {
        hasCaughtUp = false
        if stall?.isTold == false { stall = nil }
    }

    func reads(in log: LogIdentity?) { self.log = log ?? self.log }

    func caughtUp() { hasCaughtUp = true }

    func stalls(_ failure: KafkaFailure, now: Instant) {
        guard offset != nil, stall?.isTold != true else { return }
        // The last reason before it is told counts.
        let tellsAt = stall?.tellsAt ?? now.adding(milliseconds: Self.stallMilliseconds)
        stall = Stall(failure: failure, tellsAt: tellsAt)
    }

    func admitStall(now: Instant) {
        guard let stall, !stall.isTold, stall.tellsAt <= now else { return }
        self.stall?.isTold = true
        news = .waits(reason: GatewayFault(stall.failure).words(stall.failure))
    }

    /// An answer has come.
    func goesOn() {
        guard let stall else { return }
        self.stall = nil
        if stall.isTold { news = .begins(.resumed) }
    }

    // MARK: Ends and news

    func drop(_ failure: KafkaFailure) {
        life = .dropped
        follower = nil
        stall = nil
        news = .dropped(failure)
    }

    /// The whole subscription has ended: nothing is told any more.
    func end() {
        life = .dropped
        follower = nil
        stall = nil
        news = nil
    }

    func takeNews() -> News? {
        defer { news = nil }
        return news
    }

    /// Where it is, as the client may say it to come back. Before that is known: an end of the log.
    var nextOffset: Int64 {
        if let offset { return offset }
        return start == .latest || start == .offset(-1) ? -1 : -2
    }
}
