import DevBroker
import GatewayCore
import Testing

/// Commands with an id of the client's choice, which are done once.
@Suite struct ProduceIDTests {
    private func connect(_ world: ProducingRig, _ principal: String? = "bob") throws -> TestClient {
        try world.rig.connect(
            policy: try world.policy(principal.map { #"{"principal":"\#($0)"}"# } ?? "{}"))
    }

    private func produce(_ value: String, _ id: String?, _ sequence: Int64 = 1) -> [UInt8] {
        Request.produce(sequence, [.init("t", value)], id: id)
    }

    @Test("a command that comes again gets the first one's answer, on another session too")
    func again() throws {
        let world = try ProducingRig()
        let first = try world.ask(try connect(world), produce("v", "i"))
        let second = try world.ask(try connect(world), produce("v", "i", 9))
        #expect(first.body == second.body && second.sequence == 9)
        guard case .produced(_, let compared) = second.body else { return }
        #expect(compared)
        #expect(try world.values() == ["v"])
        #expect(world.rig.engine.metrics().produced.repeated == 1)
    }

    @Test("one that comes while the first is on its way waits for its answer")
    func meanwhile() throws {
        let world = try ProducingRig()
        world.rig.brokers.inject(Fault(.delay(milliseconds: 500), apiKey: 0))
        let (one, other) = (try connect(world), try connect(world))
        one.send(produce("v", "i"))
        other.send(produce("v", "i", 2))
        one.endOfStream()
        world.rig.pass(2_000)
        #expect(try other.takeReplies().map(\.offsets) == [[0]])
        #expect(try world.values() == ["v"])
    }

    @Test("without an id, a principal or a window nothing is compared")
    func notCompared() throws {
        for (more, principal, id) in [
            ("", "bob", nil), ("", nil, "i"), (#""producer":{"id_window_ms":0}"#, "bob", "i"),
            (#""producer":{"id_window_count":0}"#, "bob", "i"),
        ] as [(String, String?, String?)] {
            let world = try ProducingRig(more)
            let client = try connect(world, principal)
            for _ in 0..<2 {
                let reply = try world.ask(client, produce("v", id))
                guard case .produced(_, false) = reply.body else {
                    Issue.record("\(reply)")
                    continue
                }
            }
            #expect(try world.values() == ["v", "v"])
        }
    }

    @Test("ids are a principal's own, for a time, and so many")
    func bounds() throws {
        let world = try ProducingRig(
            #""producer":{"id_window_ms":20000,"id_window_count":3}"#)
        let bob = try connect(world)
        for id in ["a", "b", "c"] { _ = try world.ask(bob, produce(id, id)) }
        _ = try world.ask(try connect(world, "eve"), produce("eve", "a"))
        _ = try world.ask(bob, produce("again", "a"))
        #expect(try world.values() == ["a", "b", "c", "eve"])
        // A fourth one takes the place of the oldest.
        for id in ["d", "b", "a"] { _ = try world.ask(bob, produce(id + "2", id)) }
        #expect(try world.values() == ["a", "b", "c", "eve", "d2", "a2"])
        world.rig.pass(20_000)
        _ = try world.ask(bob, produce("late", "a"))
        #expect(try world.values().last == "late")
    }

    @Test("a command that has stored nothing may be done again under its id")
    func failed() throws {
        let world = try ProducingRig()
        let client = try connect(world)
        let missing = try world.ask(
            client, Request.produce(1, [.init("t-later", "v")], id: "i"), within: 10_000)
        #expect(missing.results?.first?.failure?.code == 5)
        world.rig.brokers.createTopic("t-later")
        let later = try world.ask(
            client, Request.produce(2, [.init("t-later", "v")], id: "i"), within: 10_000)
        #expect(later.offsets == [0])
    }

    @Test("an id of a command with another number of records is an error")
    func mismatch() throws {
        let world = try ProducingRig()
        let client = try connect(world)
        _ = try world.ask(client, produce("v", "i"))
        let reply = try world.ask(
            client, Request.produce(2, [.init("t", "a"), .init("t", "b")], id: "i"))
        #expect(reply.failure?.code == 1)
        #expect(
            reply.failure?.message
                == "cmd_produce.id: a command with this id had 1 records, this one has 2")
    }
}
