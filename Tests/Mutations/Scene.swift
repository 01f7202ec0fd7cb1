import Bytes
import KafkaCore
import KafkaMirror
import KafkaProtocol
import PubSubProtocol
import SASL
import Timing

/// A client of the library and a broker that answers it, for a few reads. All from one seed.
final class Scene {
    /// What the runs of all scenes came to.
    struct Tally {
        var answers = 0
        var delivered = 0
        var records = 0
        var empty = 0
        /// Records of producers.
        var stored = 0
        var lost = 0
        var transactions = 0
        var failures: [String: Int] = [:]
    }

    private let cluster: Cluster
    private let writers: Writers
    private let cache: LogCache
    private var answers: Answers
    private var random: SeededRandom
    private var now = Instant.zero
    private var effects: [ClusterEffect] = []
    private var open: Set<BrokerConnectionID> = []
    private var reads: Set<ReadToken> = []
    /// By their tags, which are tokens.
    private var followers: [UInt64: Follower] = [:]
    private var lastToken: UInt64 = 0
    private(set) var tally = Tally()

    private static let steps = 24

    init(seed: UInt64, _ recorded: RecordedAnswers) {
        random = SeededRandom(seed: seed)
        answers = Answers(recorded, &random)
        cache = LogCache(budgetBytes: random.one(of: [0, 4 << 10, 64 << 20]))
        var settings = ClusterSettings(bootstrap: [Endpoint(host: "b", port: 9092)])
        settings.retryBackoffMaxMilliseconds = 200
        if random.once(in: 16) {
            settings.sasl = SASLCredentials(mechanism: .plain, username: "u", password: "p")
        }
        cluster = Cluster(
            settings: settings, cache: cache, random: SeededRandom(seed: random.next()),
            nonces: .secure, connectionIDs: BrokerConnectionIDs())
        writers = Writers(cluster, &random)
    }

    func run() -> Tally {
        for _ in 0..<Self.steps {
            ask()
            settle()
            // What waits for a time-out, a pause or a poll: a few of them.
            for _ in 0..<random.below(4)
            where !reads.isEmpty || !followers.isEmpty || writers.isBusy {
                guard let next = cluster.nextDeadline else { break }
                now = max(now, next)
                cluster.tick(now: now, &effects)
                settle()
            }
            if random.once(in: 4) {
                for token in reads.sorted(by: { $0.raw < $1.raw }) { cluster.cancel(token) }
                reads = []
                for tag in followers.keys.sorted() { followers[tag].map(cluster.detach) }
                followers = [:]
                now = now.adding(milliseconds: Int64(random.below(2_000)))
            }
        }
        cluster.shutDown(now: now, &effects)
        settle()
        writers.checkIsTold()
        tally.answers = answers.mutated
        tally.stored = writers.stored
        tally.lost = writers.failed
        tally.transactions = writers.ends
        return tally
    }

    // MARK: What is asked

    private func ask() {
        lastToken += 1
        let topic = random.one(of: answers.fetch.response.responses)
        guard !topic.partitions.isEmpty else { return }
        let partition = random.one(of: topic.partitions).partitionIndex
        let isolation: Isolation = random.once(in: 2) ? .readCommitted : .readUncommitted
        if random.once(in: 3) {
            return writers.ask(answers.name(topic), partition, now: now, &effects)
        }
        switch random.below(16) {
        case 0:
            cluster.metadata(
                RequestToken(raw: lastToken), topics: random.once(in: 2) ? nil : ["a", "b"],
                now: now, &effects)
        case 1, 2:
            cluster.listOffset(
                RequestToken(raw: lastToken), topic: answers.name(topic), partition: partition,
                timestamp: random.one(of: [-1, -2, -3, -4, -5, 0, 1 << 40, random.extreme()]),
                isolation: isolation, now: now, &effects)
        default:
            let token = ReadToken(raw: lastToken)
            let wait: Instant? = random.once(in: 2) ? nil : now.adding(milliseconds: 300)
            if wait != nil, random.once(in: 2) { return follow(topic, partition, isolation) }
            reads.insert(token)
            cluster.read(
                token,
                ReadRequest(
                    topic: answers.name(topic), partition: partition, offset: offset(topic),
                    maxBytes: random.one(of: [0, 1, 200, 1 << 20, .max / 2]),
                    minBytes: random.one(of: [1, 1, 500]), isolation: isolation, waitUntil: wait),
                now: now, &effects)
        }
    }

    private func follow(
        _ topic: FetchResponse.Topic, _ partition: Int32, _ isolation: Isolation
    ) {
        let request = FollowRequest(
            topic: answers.name(topic), partition: partition, offset: offset(topic),
            maxBytes: random.one(of: [0, 1, 200, 1 << 20, .max / 2]), isolation: isolation)
        let credit = FollowCredit(
            records: random.one(of: [nil, 1, 50]), bytes: random.one(of: [nil, 1, 500]))
        let follower = cluster.follow(request, tag: FollowerTag(raw: lastToken), credit: credit)
        followers[lastToken] = follower
        cluster.goOn(follower)
    }

    /// Mostly one that the response has.
    private func offset(_ topic: FetchResponse.Topic) -> Int64 {
        if random.once(in: 12) { return random.extreme() }
        let end = max(1, random.one(of: topic.partitions).highWatermark)
        return max(0, end &- 1 &- Int64(random.below(40)))
    }

    // MARK: What comes of it

    private func settle() {
        while true {
            while cluster.hasWork { cluster.work(budgetBytes: 64 << 10, now: now, &effects) }
            guard !effects.isEmpty else { return }
            let due = effects
            effects = []
            for effect in due { perform(effect) }
        }
    }

    private func perform(_ effect: ClusterEffect) {
        switch effect {
        case .connect(let id, _, _):
            if random.once(in: 64) {
                let failure = ConnectionFailure(.refused, "refused")
                return cluster.closed(id, failure, now: now, &effects)
            }
            open.insert(id)
            cluster.opened(id, now: now, &effects)
        case .send(let id, let block): answer(id, block)
        case .close(let id): open.remove(id)
        case .work: break
        case .readFinished(let token, let outcome):
            reads.remove(token)
            note(outcome)
        case .offsetFinished(_, .failure(let failure)), .metadataFinished(_, .failure(let failure)):
            tally.failures["\(failure.kind)", default: 0] += 1
        case .followerTold(let tag, let records):
            note(.records(records.slice))
            if random.once(in: 2) { followers[tag.raw].map(cluster.goOn) }
        case .followerPassed(let tag, _): followers[tag.raw].map(cluster.goOn)
        case .followerFailed(let tag, let failure):
            followers[tag.raw] = nil
            note(.failed(failure))
        case .produced(let producer, let report):
            writers.take(report, of: producer, now: now, &effects)
        case .producerTransaction(_, let outcome): writers.take(outcome)
        case .offsetFinished, .metadataFinished, .followerStalled, .followerResumed, .log,
            .producerHasRoom, .producerFlushed, .producerEnded:
            break
        }
    }

    private func answer(_ id: BrokerConnectionID, _ block: ByteBlock) {
        var reader = ByteReader(block.bytes)
        guard open.contains(id), (try? reader.skip(4)) != nil,
            let header = try? RequestHeader.decode(&reader)
        else { return }
        var frame = [UInt8](repeating: 0, count: 4) + answers.frame(header, reader)
        FrameMutation.put(Int64(frame.count - 4), 4, at: 0, in: frame.indices, of: &frame)
        frame.withUnsafeBytes { deliver($0, to: id) }
    }

    /// Whole, or in pieces.
    private func deliver(_ bytes: UnsafeRawBufferPointer, to id: BrokerConnectionID) {
        var rest = bytes
        while !rest.isEmpty, open.contains(id) {
            var count = random.once(in: 4) ? 1 + random.below(rest.count) : rest.count
            if random.once(in: 2), let space = cluster.receiveSpace(id) {
                count = min(count, space.count)
                space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
                cluster.didReceive(id, count, now: now, &effects)
            } else {
                let piece = UnsafeRawBufferPointer(rebasing: rest[..<count])
                cluster.received(id, piece, now: now, &effects)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    private func note(_ outcome: ReadOutcome) {
        switch outcome {
        case .records(let slice):
            tally.delivered += 1
            tally.records += slice.recordCount
            takeAll(slice)
        case .empty: tally.empty += 1
        case .failed(let failure): tally.failures["\(failure.kind)", default: 0] += 1
        }
    }

    /// Every byte as a session takes it, in pieces, and some of it as JSON.
    private func takeAll(_ slice: RecordSlice) {
        var cursor = RecordCursor(slice)
        let piece = random.one(of: [1_000, 64 << 10, .max / 2])
        var copied = ByteWriter()
        while !cursor.isAtEnd {
            guard let bytes = cache.bytes(at: cursor, upTo: piece), bytes.count > 0 else { return }
            copied.bytes(bytes)
            cache.advance(&cursor, by: bytes.count)
        }
        guard random.once(in: 8) else { return }
        var json = ByteWriter()
        copied.withBytes { bytes in
            // Between two pieces another answer may have told other records for the same offsets.
            if (try? RecordTranscoder.writeAll(bytes, as: .text, into: &json)) == nil {
                tally.failures["other records", default: 0] += 1
            }
        }
    }
}
