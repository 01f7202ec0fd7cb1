import DevBroker
import GatewayCore
import KafkaProducing
import Testing

/// The host's own producers, as its loop sees them.
@Suite struct DirectProducerTests {
    private func rig() throws -> (Rig, DirectClientID) {
        let rig = try Rig(routes: [Rig.route("{}")])
        rig.brokers.createTopic("t")
        return (rig, try rig.openDirect())
    }

    private func open(
        _ rig: Rig, _ client: DirectClientID, _ raw: UInt64 = 1,
        _ adjust: (inout DirectProducerSettings) -> Void = { _ in }
    ) -> DirectProducerID {
        var settings = DirectProducerSettings()
        adjust(&settings)
        let id = DirectProducerID(raw: raw)
        rig.engine.openProducer(id, of: client, settings, now: rig.now)
        return id
    }

    private func records(_ topic: String, _ tokens: [UInt64]) -> ProducerAsk {
        let block = RecordBlock(capacity: 16)
        block.appendTopic(topic)
        for token in tokens {
            "v\(token)".withRawBytes { value in
                block.append(
                    ProducedRecord(key: nil, value: value, timestamp: 1, token: token),
                    partition: -1)
            }
        }
        return .records(block)
    }

    private func ask(_ rig: Rig, _ id: DirectProducerID, _ asks: [ProducerAsk]) {
        for ask in asks { rig.engine.ask(id, ask, now: rig.now) }
        rig.settle()
        rig.pass(500)
    }

    private func tokens(_ rig: Rig) -> [UInt64] {
        rig.produced.flatMap { event -> [UInt64] in
            if case .delivered(let report, _) = event.content { report.tokens } else { [] }
        }
    }

    private func words(_ rig: Rig) -> [String] {
        rig.produced.map { event in
            switch event.content {
            case .delivered(let report, let fault):
                "\(fault == nil ? "stored" : "lost \(fault?.status ?? 0)") \(report.tokens)"
            case .untold: "untold"
            case .flushed(let token, let fault):
                "flushed \(token)\(fault.map { " \($0.status)" } ?? "")"
            case .transaction(let step, let token, let fault):
                "\(step) \(token)\(fault.map { " \($0.status)" } ?? "")"
            }
        }
    }

    @Test("records are told of in their order, then the flush that was behind them")
    func order() throws {
        let (rig, client) = try rig()
        let producer = open(rig, client)
        ask(rig, producer, [records("t", [1, 2, 3]), .flush(token: 9)])
        #expect(words(rig) == ["stored [1, 2, 3]", "flushed 9"])
        #expect(rig.brokers.logEnd("t") == 3)
    }

    @Test("reports come as the settings say")
    func reports() throws {
        let (rig, client) = try rig()
        let failures = open(rig, client, 1) { $0.reports = .failures }
        ask(rig, failures, [records("t", [1]), records("no/name", [2])])
        #expect(words(rig).sorted() == ["lost -1017 [2]", "untold"])
        rig.produced = []
        let none = open(rig, client, 2) { $0.reports = .none }
        ask(rig, none, [records("t", [1]), records("no/name", [2])])
        #expect(words(rig) == ["untold", "untold"])
    }

    @Test("what is asked behind a begin or an end waits for it")
    func transactions() throws {
        let (rig, client) = try rig()
        let producer = open(rig, client) { $0.producer.transactionalID = "x" }
        ask(
            rig, producer,
            [
                .begin(token: 1), records("t", [1, 2]), .commit(token: 2),
                .begin(token: 3), records("t", [3]), .abort(token: 4), records("t", [5]),
            ])
        rig.pass(2_000)
        #expect(
            words(rig).filter { !$0.hasPrefix("lost") } == [
                "begin 1", "stored [1, 2]", "commit 2", "begin 3", "abort 4",
            ])
        // Outside of a transaction nothing is taken.
        #expect(words(rig).last == "lost -7 [5]")
    }

    @Test("a coordinator that is away is not waited for without an end")
    func lateness() throws {
        let (rig, client) = try rig()
        let producer = open(rig, client) {
            $0.producer.transactionalID = "x"
            $0.producer.blockMillisecondsMax = 2_000
        }
        rig.brokers.inject(Fault(.silence, apiKey: 10))
        ask(rig, producer, [.begin(token: 1), records("t", [1]), .commit(token: 2)])
        #expect(words(rig) == [])
        rig.pass(2_000)
        // What comes behind fails, too.
        #expect(words(rig) == ["begin 1 -10", "lost -7 [1]", "commit 2 -7"])
        rig.produced = []
        rig.brokers.clearFaults()
        rig.pass(60_000)
        ask(rig, producer, [.begin(token: 1), records("t", [2]), .commit(token: 2)])
        rig.pass(2_000)
        #expect(words(rig) == ["begin 1", "stored [2]", "commit 2"])
    }

    @Test("who leaves gets no event, and what was taken is sent")
    func leaving() throws {
        let (rig, client) = try rig()
        let producer = open(rig, client)
        rig.engine.ask(producer, records("t", [1]), now: rig.now)
        rig.engine.closeProducer(producer, now: rig.now)
        // The cluster lives as long as it is needed.
        rig.engine.closeDirect(client, now: rig.now)
        rig.settle()
        rig.pass(1_000)
        #expect(rig.brokers.logEnd("t") == 1)
        #expect(rig.network.connectionCount == 0)
    }

    @Test("a loop that stops tells of everything")
    func stopping() throws {
        let (rig, client) = try rig()
        let producer = open(rig, client) {
            $0.producer.lingerMilliseconds = 10_000
            $0.producer.transactionalID = "x"
        }
        rig.brokers.inject(Fault(.silence, apiKey: 10))
        ask(rig, producer, [.begin(token: 1), records("t", [7]), .flush(token: 2)])
        #expect(words(rig) == [])
        rig.engine.shutDown(now: rig.now)
        rig.settle()
        #expect(words(rig) == ["begin 1 -3", "lost -3 [7]", "flushed 2 -3"])
    }
}
