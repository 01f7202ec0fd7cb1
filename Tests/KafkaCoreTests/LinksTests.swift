import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Who is connected to where, and who may try again: the table of brokers alone.
@Suite struct LinksTests {
    private func known(_ nodeIDs: ClosedRange<Int32> = 1...1) -> Stage {
        let stage = Stage()
        stage.know(nodeIDs)
        _ = stage.router.takeTold()
        return stage
    }

    private func free(
        _ stage: Stage, _ role: ConnectionRole, _ broker: Broker
    ) -> BrokerConnection? {
        var found: BrokerConnection?
        stage.perform { found = stage.links.free(role, broker) }
        return found
    }

    @Test("a role has connections of its own, as many as it may, opened one after the other")
    func roles() throws {
        let stage = known()
        let broker = try stage.broker(1)
        #expect(free(stage, .pointReads, broker) == nil && free(stage, .pointReads, broker) == nil)
        #expect(stage.connects.count == 1)
        stage.connect()
        let first = try #require(free(stage, .pointReads, broker))
        #expect(stage.connects.count == 1)
        // Busy: the second one is opened, and no third.
        first.isDecoding = true
        #expect(free(stage, .pointReads, broker) == nil)
        stage.connect()
        let second = try #require(free(stage, .pointReads, broker))
        second.isDecoding = true
        #expect(free(stage, .pointReads, broker) == nil && stage.connects.count == 2)
        #expect(free(stage, .control, broker) == nil && stage.connects.count == 3)
        #expect(broker.connections.count == 3)
    }

    @Test(
        "a broker that could not be reached is told, and tried again after a pause, once at a time")
    func failure() throws {
        let stage = known()
        let broker = try stage.broker(1)
        _ = free(stage, .control, broker)
        stage.lose(stage.connects[0].id, .refused)
        #expect(stage.router.takeTold() == ["broker 1 failed"])
        #expect(broker.lastFailure != nil && broker.connections.isEmpty)
        _ = free(stage, .control, broker)
        #expect(stage.connects.count == 1)
        stage.pass(10_000)
        #expect(stage.links.nextDeadline <= stage.now)
        _ = free(stage, .control, broker)
        _ = free(stage, .pointReads, broker)
        #expect(stage.connects.count == 2)
        stage.connect()
        #expect(broker.lastFailure == nil && free(stage, .control, broker) != nil)
    }

    @Test("a refused login is told as one, and not tried again at once")
    func refusal() throws {
        let stage = Stage {
            $0.sasl = SASLCredentials(mechanism: .plain, username: "ann", password: "secret")
        }
        stage.know(1...1)
        _ = stage.router.takeTold()
        let broker = try stage.broker(1)
        _ = free(stage, .control, broker)
        // Versions without a login among them.
        stage.connect()
        #expect(stage.router.takeTold() == ["broker 1 refuses", "broker 1 failed"])
        stage.pass(999)
        _ = free(stage, .control, broker)
        #expect(stage.connects.count == 1 && stage.closed == [stage.connects[0].id])
    }

    @Test("a broker at another address is another one: what went to the old one ends")
    func moved() throws {
        let stage = known(1...2)
        let old = try stage.broker(1)
        _ = free(stage, .control, old)
        stage.connect()
        stage.perform {
            stage.links.update([(1, Stage.endpoint(7)), (2, Stage.endpoint(2))])
        }
        #expect(stage.router.takeTold() == ["brokers changed", "broker 1 gone"])
        #expect(stage.closed == [stage.connects[0].id] && old.isGone)
        #expect(try stage.broker(1) !== old)
        #expect(stage.links.brokers.map(\.nodeID) == [1, 2])
        #expect(free(stage, .control, old) == nil && stage.connects.count == 1)
    }

    @Test("the connection to a bootstrap node becomes that of the broker at its address")
    func bootstrap() throws {
        let stage = Stage()
        _ = free(stage, .control, stage.links.bootstrap[0])
        stage.connect()
        stage.perform { stage.links.update([(5, Stage.endpoint(0)), (6, Stage.endpoint(6))]) }
        let broker = try stage.broker(5)
        #expect(stage.links.bootstrap[0].connections.isEmpty && stage.closed.isEmpty)
        #expect(free(stage, .control, broker)?.id == stage.connects[0].id)
    }

    @Test("idle connections are closed; one that is throttled is kept while somebody waits for it")
    func idle() throws {
        let stage = known()
        let broker = try stage.broker(1)
        _ = free(stage, .control, broker)
        stage.connect()
        let connection = try #require(free(stage, .control, broker))
        connection.throttle(3_600_000, isOurs: true)
        stage.router.isWaitedFor = true
        stage.pass(40_000)
        stage.perform { stage.links.tick() }
        #expect(stage.closed.isEmpty && free(stage, .control, broker) == nil)
        stage.router.isWaitedFor = false
        stage.pass(40_000)
        stage.perform { stage.links.tick() }
        #expect(stage.closed == [connection.id] && stage.links.connectionCount == 0)
    }

    @Test("a broker that is silent about a request is told to be late, until a byte comes")
    func late() throws {
        let stage = known()
        let broker = try stage.broker(1)
        _ = free(stage, .control, broker)
        stage.connect()
        let connection = try #require(free(stage, .control, broker))
        let purpose = Quiet()
        stage.perform {
            connection.send(
                ListOffsetsRequest(), version: 7, for: purpose, timeoutMilliseconds: 30_000)
        }
        stage.pass(1_000)
        stage.perform { stage.links.tick() }
        #expect(stage.router.takeTold() == ["broker 1 is late"])
        #expect(broker.isLate && purpose.calls == ["late"])
        let asked = try #require(stage.take(ListOffsetsRequest.apiKey))
        stage.answer(asked) { ListOffsetsResponse().encode(&$0, version: $1) }
        #expect(!broker.isLate && purpose.calls == ["late", "answered late"])
        #expect(stage.router.takeTold() == ["broker 1 serves"])
    }

    @Test("a late connection whose answers nobody waits for any more is given up")
    func abandoned() throws {
        let stage = known()
        let broker = try stage.broker(1)
        _ = free(stage, .control, broker)
        stage.connect()
        let connection = try #require(free(stage, .control, broker))
        let purpose = Quiet(isAbandoned: true)
        stage.perform {
            connection.send(
                ListOffsetsRequest(), version: 7, for: purpose, timeoutMilliseconds: 30_000)
        }
        stage.pass(1_000)
        stage.perform { stage.links.tick() }
        #expect(stage.closed == [connection.id] && purpose.calls == ["lost"])
        #expect(!broker.isLate)
    }

    @Test("a request without an answer in time ends its connection, and is lost once")
    func timeout() throws {
        let stage = known()
        let broker = try stage.broker(1)
        _ = free(stage, .control, broker)
        stage.connect()
        let connection = try #require(free(stage, .control, broker))
        let purpose = Quiet()
        stage.perform {
            connection.send(
                ListOffsetsRequest(), version: 7, for: purpose, timeoutMilliseconds: 500)
        }
        #expect(connection.deadline == stage.now.adding(milliseconds: 500))
        stage.pass(500)
        stage.perform { stage.links.tick() }
        stage.perform { stage.links.tick() }
        #expect(purpose.calls == ["lost"] && stage.closed == [connection.id])
        #expect(stage.router.takeTold() == ["broker 1 failed"])
    }

    private final class Quiet: WholeAnswerPurpose {
        var calls: [String] = []
        let isAbandoned: Bool

        init(isAbandoned: Bool = false) { self.isAbandoned = isAbandoned }

        func answered(_ response: ListOffsetsResponse, _ answer: Answer) {
            calls.append(answer.wasLate ? "answered late" : "answered")
        }
        func lost(_ failure: KafkaFailure) { calls.append("lost") }
        func late() { calls.append("late") }
    }
}
