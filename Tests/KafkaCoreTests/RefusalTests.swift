import DevBroker
import SASL
import Testing
import Timing

@testable import KafkaCore

/// A refusal is a broker's last word about what is cached; its silence is none.
@Suite struct RefusalTests {
    private func filled() throws -> World {
        let world = World { server, client in
            server.users.add("ann", password: "secret")
            client.sasl = SASLCredentials(mechanism: .plain, username: "ann", password: "secret")
        }
        world.server.createTopic("t")
        try world.fill("t", 0, 20)
        _ = world.outcome(world.read("t", at: 0))
        return world
    }

    private func cached(_ world: World) -> RecordSlice? {
        world.client.cached(
            ReadRequest(topic: "t", partition: 0, offset: 0, maxBytes: 100), now: world.now)
    }

    private func isTold(_ world: World, _ text: String) {
        for _ in 0..<5 {
            let failure = world.failure(world.outcome(world.read("t", at: 3), within: 5_000))
            #expect(failure?.cause.contains(text) == true)
            #expect(cached(world) == nil)
            world.run(1_500)
        }
        #expect(world.cache.byteCount == 0)
    }

    @Test("Cached records are not served any more once a broker has refused the credentials")
    func login() throws {
        let world = try filled()
        world.server.inject(Fault(.error(58), apiKey: 36, times: 1_000))
        // Its connections are idle, and end.
        world.run(40_000)
        #expect(world.client.connectionCount == 0)
        isTold(world, "SASL")
    }

    @Test("Nor once the TLS handshake with a broker fails")
    func handshake() throws {
        let world = try filled()
        world.network.refusal = ConnectionFailure(.tls, "certificate has expired")
        world.change { $0.takeDown(1, elects: false, now: $1) }
        world.run(2_000)
        isTold(world, "certificate has expired")
    }

    @Test("A refusal in the middle of an outage counts likewise")
    func refusalInOutage() throws {
        let world = try filled()
        world.change { $0.takeDown(1, elects: false, now: $1) }
        world.run(2_000)
        let outcome = world.outcome(world.read("t", at: 3), within: 5_000)
        #expect(try world.offsets(outcome) == Array(3..<20))
        world.server.inject(Fault(.error(58), apiKey: 36, times: 1_000))
        world.change { $0.bringUp(1, now: $1) }
        world.run(3_000)
        // Whoever is served finds the broker, or is not served.
        _ = world.outcome(world.read("t", at: 3), within: 5_000)
        world.run(3_000)
        isTold(world, "SASL")
    }

    @Test("A right that is gone is told by whatever asks first", arguments: [1, 2, 3] as [Int16])
    func authorization(_ apiKey: Int16) throws {
        let world = try filled()
        world.server.inject(Fault(.error(29), apiKey: apiKey, topic: "t", times: 1))
        switch apiKey {
        case 1: _ = world.outcome(world.read("t", at: 20))
        case 2: _ = world.offset(world.list("t", 0, -1))
        default: _ = world.topics(world.metadata(["t"]))
        }
        #expect(world.cache.byteCount == 0)
    }
}
