import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import SASL
import Testing
import Timing

@testable import KafkaCore

/// What the log is told: states when they begin and when they end, and of a broker's own words no
/// more than a log can bear.
@Suite struct TellingTests {
    private func filled(
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World(adjust)
        world.server.createTopic("t")
        try world.fill("t", 0, 10)
        return world
    }

    private func told(_ world: World, _ words: String) -> [String] {
        world.logs.filter { $0.level >= .warning && $0.text.contains(words) }.map(\.text)
    }

    @Test("the end of an outage is told by the first answer, whatever was asked")
    func endOfOutage() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        world.change { $0.takeDown(1, elects: false, now: $1) }
        #expect(world.failure(world.outcome(world.read("t", at: 10))) != nil)
        #expect(told(world, "no broker can be reached").count == 1)
        world.change { $0.bringUp(1, now: $1) }
        world.run(5_000)
        let asked = world.count(MetadataRequest.apiKey)
        _ = world.outcome(world.read("t", at: 10))
        #expect(world.count(MetadataRequest.apiKey) == asked, "a read that needs no metadata")
        #expect(told(world, "can be reached again").count == 1)
    }

    @Test("a connection to a broker is told when it opens and when it closes, whatever ends it")
    func connections() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        let lines = { (words: String) in
            world.logs.count {
                $0.level == .info && $0.text.contains("127.0.0.1:9092: connection")
                    && $0.text.contains(words)
            }
        }
        #expect(lines("for reads opened") == 1)
        #expect(lines("opened") == world.client.connectionCount && lines("closed") == 0)
        // Nobody needs them.
        world.run(40_000)
        #expect(lines("closed: not needed") == lines("opened"))
        _ = world.outcome(world.read("t", at: 10))
        world.change { $0.takeDown(1, elects: false, now: $1) }
        world.run(40_000)
        #expect(lines("closed") == lines("opened") && lines("closed: not needed") < lines("closed"))
    }

    @Test("an outage is told when it begins and when it ends, however often it is met")
    func outage() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        let live = world.read("t", at: 10, wait: .max)
        world.change { $0.takeDown(1, elects: false, now: $1) }
        for _ in 0..<300 {
            _ = world.outcome(world.read("t", at: 10))
            world.run(200)
        }
        #expect(told(world, "no broker can be reached").count == 1)
        let broker = told(world, "127.0.0.1:9092: connection refused")
        #expect(broker.count { $0.hasPrefix("127.0.0.1") } == 1)
        world.change { $0.bringUp(1, now: $1) }
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(live)) == [10])
        #expect(told(world, "brokers can be reached again").count == 1)
        #expect(told(world, "127.0.0.1:9092: answers again").count == 1)
        #expect(world.logs.count { $0.level >= .warning } <= 5)
        // Who looks at every request sees every attempt.
        #expect(world.logs.count { $0.level == .debug && $0.text.contains("refused") } > 20)
    }

    @Test("a refused login in an outage is told too, and once")
    func refusedInOutage() throws {
        let world = try filled { server, client in
            server.users.add("ann", password: "secret")
            client.sasl = SASLCredentials(mechanism: .plain, username: "ann", password: "wrong")
        }
        world.change { $0.takeDown(1, elects: false, now: $1) }
        _ = world.outcome(world.read("t", at: 0))
        world.change { $0.bringUp(1, now: $1) }
        for _ in 0..<100 {
            _ = world.outcome(world.read("t", at: 0))
            world.run(500)
        }
        #expect(told(world, "no broker can be reached").count == 2)
        #expect(told(world, "SASL_AUTHENTICATION_FAILED").count == 2)
    }

    @Test("an outage that comes and goes is told at most every ten seconds")
    func flapping() throws {
        let world = try filled()
        for _ in 0..<100 {
            world.change { $0.takeDown(1, elects: false, now: $1) }
            _ = world.outcome(world.read("t", at: 10))
            world.change { $0.bringUp(1, now: $1) }
            world.run(300)
            _ = world.outcome(world.read("t", at: 10))
        }
        let seconds = Int(world.now.milliseconds(since: .zero) / 1_000)
        #expect(told(world, "no broker can be reached").count <= seconds / 10 + 1)
    }

    @Test("a listener that has answered before is not said to expect TLS or a login")
    func hints() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        world.run(40_000)
        #expect(world.client.connectionCount == 0)
        world.answer = { _, header, _ in header.apiKey == ApiVersionsRequest.apiKey ? .end : nil }
        let restarting = world.failure(world.outcome(world.read("t", at: 10)))
        #expect(restarting?.cause.contains("end of stream") == true)
        world.answer = { _, header, _ in header.apiKey == FetchRequest.apiKey ? .end : nil }
        world.run(5_000)
        _ = world.outcome(world.read("t", at: 10))
        #expect(!world.logs.contains { $0.text.contains("does the listener expect") })
    }

    @Test("nor is one whose cluster has answered at another")
    func hintsOfOthers() throws {
        let world = World(brokers: 3)
        world.server.createTopic("t", partitions: 3)
        var first: Int32?
        world.answer = { broker, header, _ in
            first = first ?? broker
            return broker == first || header.apiKey != ApiVersionsRequest.apiKey ? nil : .end
        }
        let tokens = (0..<3 as Range<Int32>).map { world.list("t", $0, -1) }
        world.run(40_000)
        #expect(tokens.allSatisfy { world.listed[$0] != nil })
        #expect(told(world, "end of stream").count == 2)
        #expect(told(world, "does the listener expect").isEmpty)
    }

    private func refusing(_ text: String) throws -> KafkaFailure? {
        let world = try filled { server, client in
            server.users.add("ann", password: "secret")
            client.sasl = SASLCredentials(
                mechanism: .plain, username: "ann", password: "correct horse battery")
        }
        world.answer = { _, header, _ in
            guard header.apiKey == SaslAuthenticateRequest.apiKey else { return nil }
            let response = SaslAuthenticateResponse(errorCode: 58, errorMessage: text)
            return .frame(
                Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
        }
        return world.failure(world.outcome(world.read("t", at: 0)))
    }

    @Test("a broker's words are cut, and forge no line")
    func words() throws {
        let failure = try refusing(
            "no\r\nERROR: forged\u{1b}[2K\u{202e}" + String(repeating: "x", count: 9_000))
        let cause = failure?.cause ?? ""
        #expect(cause.contains("no\\u{d}\\u{a}ERROR: forged\\u{1b}[2K\\u{202e}x"))
        #expect(cause.utf8.count < 400 && cause.hasSuffix("..."))
    }

    @Test(
        "a broker that repeats what it was sent is not quoted",
        arguments: [
            "user ann, password correct horse battery", "bad token: \u{0}ann\u{0}correct horse",
            "AGFubgBjb3JyZWN0IGhvcnNlIGJhdHRlcnk=", "636f727265637420686f727365",
        ])
    func echoes(_ text: String) throws {
        let cause = try refusing("rejected: " + text)?.cause ?? ""
        #expect(cause.contains("SASL_AUTHENTICATION_FAILED") && cause.contains("left out"))
        #expect(!cause.contains("horse") && !cause.contains("AGFu") && !cause.contains("636f"))
    }

    @Test("brokers whose address nobody can dial are no brokers")
    func addresses() {
        let hosts = ["a b", "x\n", "", String(repeating: "x", count: 256), "caf\u{e9}", "\u{0}"]
        for host in hosts { #expect(Endpoint(told: host, port: 9092) == nil) }
        #expect(Endpoint(told: "a", port: 0) == nil && Endpoint(told: "a", port: 65_536) == nil)
        #expect(Endpoint(told: "::1", port: 9092) == Endpoint(host: "::1", port: 9092))
    }

    @Test("records that cannot be read are told once for each place, whoever asks for them")
    func unreadable() throws {
        let world = try filled()
        world.server.inject(
            Fault(.damage(.checksum), apiKey: FetchRequest.apiKey, topic: "t", times: 1_000))
        for _ in 0..<50 { _ = world.outcome(world.read("t", at: 3)) }
        #expect(told(world, "t-0 at offset 3").count == 1)
        #expect(world.logs.count { $0.text.contains("t-0 at offset 3") } >= 50)
    }

    @Test("error codes that nobody knows are counted as one")
    func codes() {
        var counters = ClusterCounters()
        for code in Int16.min...Int16.max { counters.failed(code) }
        #expect(counters.errors.count < 200)
        #expect(counters.errors[ClusterCounters.otherCode] ?? 0 > 65_000)
        for code in Int16.min...Int16.max { counters.ended(1, .answered(code)) }
        #expect(counters.endings.count < 200)
    }
}
