import Testing
import Timing

/// One client: what it has asked, and what it knows must come.
final class SimulatedReader {
    enum Asked {
        case ping
        case fetch(String, Int, Int64, committed: Bool)
        case end(String, Int)
        case subscribe
        case grant
    }

    /// A subscription, of one partition.
    struct Following {
        var topic: String
        var partition: Int
        var next: Int64
        var committed: Bool
        /// nil: no limit.
        var credit: Int64?
        var hasBegun = false
        var isOver = false
    }

    let client: TestClient
    let isText: Bool
    private var random: SeededRandom
    private var waiting: [Int64: Asked] = [:]
    /// Of the commands whose replies keep their order.
    private var order: [Int64] = []
    /// By the sequence of their subscribe.
    private var following: [Int64: Following] = [:]
    private var sequence: Int64 = 0

    init(_ client: TestClient, isText: Bool, seed: UInt64) {
        self.client = client
        self.isText = isText
        random = SeededRandom(seed: seed)
    }

    // MARK: Asking

    func ask(_ logs: [SimulatedLog]) {
        guard !client.isClosed, !client.isReadingPaused,
            let log = logs.randomElement(using: &random)
        else { return }
        let offset = Int64.random(in: log.start...log.end, using: &random)
        sequence += 1
        if isText { return askText(log, offset) }
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<2: send(.ping, Request.ping(sequence), isOrdered: true)
        case 2:
            send(
                .end(log.topic, log.partition),
                Request.listOffset(sequence, log.topic, Int64(log.partition), -1),
                isOrdered: true)
        case 3..<5 where following.count < 3: subscribe(log, offset)
        case 5: grantSomething()
        default: fetch(log, offset)
        }
    }

    private func fetch(_ log: SimulatedLog, _ offset: Int64) {
        let isOurs = Bool.random(using: &random)
        let isolation: Int64? = isOurs ? [nil, 1, 2].randomElement(using: &random) ?? nil : nil
        let request = Request.fetch(
            sequence, log.topic, Int64(log.partition), offset,
            maxBytes: isOurs ? Int64.random(in: 1...60_000, using: &random) : nil,
            maxWait: isOurs ? Int64.random(in: 0...500, using: &random) : nil,
            isolation: isolation)
        send(
            .fetch(log.topic, log.partition, offset, committed: isolation == 2), request,
            isOrdered: !isOurs)
    }

    private func subscribe(_ log: SimulatedLog, _ offset: Int64) {
        let isCommitted = Bool.random(using: &random)
        let some = Int64.random(in: 1...50, using: &random)
        let credit = Bool.random(using: &random) ? some : nil
        following[sequence] = Following(
            topic: log.topic, partition: log.partition, next: offset, committed: isCommitted,
            credit: credit)
        send(
            .subscribe,
            Request.subscribe(
                sequence, [(log.topic, [Int64(log.partition)], .offset(offset))],
                messages: credit, isolation: isCommitted ? 2 : 1),
            isOrdered: false)
    }

    private func grantSomething() {
        let limited = following.keys.sorted().filter { following[$0]?.credit != nil }
        guard let name = limited.randomElement(using: &random), following[name]?.hasBegun == true
        else { return }
        grant(name, Int64.random(in: 1...100, using: &random))
    }

    private func grant(_ name: Int64, _ messages: Int64) {
        // It may be used before the reply is here.
        following[name]?.credit? += messages
        send(.grant, Request.grant(sequence, name, messages: messages), isOrdered: false)
    }

    func grantEverything() {
        guard !client.isClosed, !client.isReadingPaused else { return }
        for name in following.keys.sorted() {
            guard let one = following[name], one.hasBegun, !one.isOver,
                one.credit.map({ $0 < 1_000 }) == true
            else { continue }
            sequence += 1
            grant(name, 10_000)
        }
    }

    private func send(_ asked: Asked, _ request: [UInt8], isOrdered: Bool) {
        waiting[sequence] = asked
        if isOrdered { order.append(sequence) }
        client.send(request)
    }

    private func askText(_ log: SimulatedLog, _ offset: Int64) {
        waiting[sequence] = .fetch(log.topic, log.partition, offset, committed: false)
        order.append(sequence)
        client.send(
            text: #"{"sequence":\#(sequence),"cmdKafkaFetch":{"topic":"\#(log.topic)","#
                + #""partition":\#(log.partition),"offset":\#(offset)}}"#)
    }

    // MARK: Judging

    /// Answers how many records the message held.
    func check(_ message: [UInt8], _ world: SimulatedWorld) throws -> Int {
        isText ? try checkText(message, world) : try check(Response(message), world)
    }

    private func checkText(_ message: [UInt8], _ world: SimulatedWorld) throws -> Int {
        let text = String(decoding: message, as: UTF8.self)
        let answered = try #require(text.number(behind: #""sequence":"#))
        #expect(order.first == answered, "seed \(world.seed): replies keep their order")
        order.removeFirst()
        guard
            case .fetch(let topic, let partition, let offset, let committed)? =
                waiting.removeValue(forKey: answered), let log = world.log(topic, partition)
        else {
            Issue.record("seed \(world.seed): a reply nobody asked for: \(text.prefix(80))")
            return 0
        }
        // Faults may show; an error may tell where to go on.
        if text.contains(#""errorResp""#) { return 0 }
        let next = try #require(
            text.number(behind: #""nextOffset":"#), "seed \(world.seed): \(text.prefix(200))")
        let values = text.strings(behind: #""value":""#)
        let wanted = log.visible(offset..<next, committed: committed)
        #expect(values == wanted?.map(log.value), "seed \(world.seed): \(topic)-\(partition)")
        return values.count
    }

    private func check(_ reply: Response, _ world: SimulatedWorld) throws -> Int {
        if following[reply.sequence] != nil { return checkPush(reply, world) }
        let known = waiting.removeValue(forKey: reply.sequence)
        let asked = try #require(known, "seed \(world.seed): nobody asked \(reply)")
        if let index = order.firstIndex(of: reply.sequence) {
            #expect(index == 0, "seed \(world.seed): replies keep their order")
            order.remove(at: index)
        }
        switch (asked, reply.body) {
        case (.ping, .pong), (.grant, .granted): break
        case (.fetch(let topic, let partition, let offset, let committed), .fetch(let batch)):
            return check(batch, topic, partition, from: offset, committed: committed, world)
        case (.end(let topic, let partition), .listOffset(let offset, _)):
            #expect(offset <= world.log(topic, partition)?.end ?? 0, "seed \(world.seed)")
        case (.fetch, .error(let failure)), (.end, .error(let failure)),
            (.grant, .error(let failure)):
            // Faults may show; they are errors, never wrong records.
            #expect(failure.code > 1 && !failure.message.isEmpty, "seed \(world.seed)")
        default: Issue.record("seed \(world.seed): \(asked) was answered with \(reply)")
        }
        return 0
    }

    private func checkPush(_ reply: Response, _ world: SimulatedWorld) -> Int {
        guard var one = following[reply.sequence] else { return 0 }
        waiting[reply.sequence] = nil
        defer { following[reply.sequence] = one }
        guard case .push(let batch) = reply.body else {
            // The subscribe failed, or its only partition is lost and it ends.
            if case .error = reply.body {
            } else {
                Issue.record("seed \(world.seed): a subscription gets \(reply)")
            }
            one.isOver = true
            return 0
        }
        #expect(!one.isOver, "seed \(world.seed): a push behind the end")
        if let start = batch.starts.first {
            // Waiting and going on are told again and again, at the place where it is: behind
            // records that the client does not see.
            let range = one.next..<max(one.next, start.offset)
            let passed = world.log(one.topic, one.partition)?
                .visible(range, committed: one.committed)
            #expect(passed == [] && start.offset >= one.next, "seed \(world.seed): \(start)")
            one.next = max(one.next, start.offset)
            #expect(one.hasBegun == (start.outcome != 0), "seed \(world.seed): \(start)")
            one.hasBegun = true
            return 0
        }
        // The error that ends the whole follows.
        guard batch.failure == nil else { return 0 }
        #expect(one.hasBegun, "seed \(world.seed): a push in front of the start")
        let count = check(
            batch, one.topic, one.partition, from: one.next, committed: one.committed, world)
        one.next = batch.nextOffset ?? one.next
        one.credit? -= Int64(count)
        #expect(one.credit ?? 0 >= 0, "seed \(world.seed): more than was granted")
        return count
    }

    /// Exactly the records that the log has for this reader, up to where the reply says.
    private func check(
        _ batch: Response.Batch, _ topic: String, _ partition: Int, from offset: Int64,
        committed: Bool, _ world: SimulatedWorld
    ) -> Int {
        guard let log = world.log(topic, partition), let next = batch.nextOffset, next >= offset,
            let wanted = log.visible(offset..<next, committed: committed)
        else {
            let next = batch.nextOffset ?? -1
            Issue.record("seed \(world.seed): \(topic)-\(partition) from \(offset): \(next)")
            return 0
        }
        let place = "seed \(world.seed): \(topic)-\(partition)"
        #expect(batch.records.map(\.offset) == wanted, "\(place)")
        if let wrong = batch.records.first(where: { $0.text != log.value($0.offset) }) {
            Issue.record("\(place): \(wrong.offset) holds \(wrong.text.prefix(80))")
        }
        return batch.records.count
    }

    func expectCaughtUp(_ world: SimulatedWorld) {
        #expect(waiting.isEmpty, "seed \(world.seed): never answered: \(waiting)")
        for one in following.values where one.hasBegun && !one.isOver {
            let log = world.log(one.topic, one.partition)
            // Markers and aborted records behind the last push are told with the next one.
            let range = one.next..<max(one.next, log?.end ?? 0)
            let rest = log?.visible(range, committed: one.committed)
            #expect(rest == [], "seed \(world.seed): \(one) lags")
        }
    }
}

extension String {
    /// The strings that stand between each `mark` and the next quote.
    fileprivate func strings(behind mark: String) -> [String] {
        var found: [String] = []
        var rest = Substring(self)
        while let range = rest.firstRange(of: mark) {
            rest = rest[range.upperBound...]
            found.append(String(rest.prefix { $0 != "\"" }))
        }
        return found
    }

    /// The number behind the last `mark`: records come in front of it.
    fileprivate func number(behind mark: String) -> Int64? {
        ranges(of: mark).last.flatMap { range in
            Int64(self[range.upperBound...].prefix { $0.isNumber })
        }
    }
}
