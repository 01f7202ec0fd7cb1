import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Thousands wait and go. What each of them costs is counted in items that were looked at: debug
/// builds only.
@Suite(.enabled(if: Steps.areCounted)) struct LeavingTests {
    static let few = 200
    static let many = 1_500
    /// Items that may be looked at for one who comes or goes.
    static let stepsMax = 16

    enum Wait: CaseIterable {
        case end, follower, offsets, oneOffset, metadata, lookUps, timestamps, topics
    }

    @Test("to leave costs the same, however many wait", arguments: Wait.allCases)
    func leaving(_ wait: Wait) throws {
        let world = try world(wait)
        let answered = world.outcomes.count
        var leave = (0..<Self.many).map { begin(wait, $0, world) }
        world.run(1_000)
        #expect(world.outcomes.count == answered)
        #expect(world.listed.isEmpty && world.described.isEmpty)
        leave.shuffle(using: &world.random)
        let before = Steps.taken
        for leave in leave { leave() }
        #expect(Steps.taken - before <= Self.stepsMax * Self.many)
        #expect(world.client.waitingReadCount == 0)
    }

    @Test("what waits is asked for and answered at a cost in proportion", arguments: Wait.allCases)
    func asking(_ wait: Wait) throws {
        let costs = try [Self.few, Self.many].map { count in
            let world = try world(wait, answers: true)
            let before = Steps.taken
            for number in 0..<count { _ = begin(wait, number, world) }
            world.run(3_000)
            return (Steps.taken - before) / count
        }
        #expect(costs[1] <= 2 * costs[0] + Self.stepsMax, "steps for each: \(costs)")
    }

    /// A cluster whose answers don't come, where what waits would be answered.
    private func world(_ wait: Wait, answers: Bool = false) throws -> World {
        let world = World()
        world.server.createTopic("t", partitions: 4)
        try world.fill("t", 0, 100, batch: 100)
        guard wait != .topics else {
            if !answers { world.answer = { _, header, _ in header.apiKey == 3 ? .silence : nil } }
            return world
        }
        // The partition is known.
        _ = world.outcome(world.read("t", at: 0))
        let held: Set<Int16> = [FetchRequest.apiKey, ListOffsetsRequest.apiKey, 3]
        if wait != .end, wait != .follower, !answers {
            world.answer = { _, header, _ in held.contains(header.apiKey) ? .silence : nil }
        }
        return world
    }

    /// Begins to wait; what is answered is how to leave.
    private func begin(_ wait: Wait, _ number: Int, _ world: World) -> () -> Void {
        switch wait {
        case .end: return read(world, at: 100, wait: 20_000)
        case .follower: return read(world, at: 100, wait: .max)
        // Not cached, and not joined to each other.
        case .offsets: return read(world, 1 + Int32(number % 3), at: Int64(number))
        case .oneOffset: return read(world, 1, at: 7)
        case .topics:
            return leave(world, world.read("no-such-\(number)", at: 0))
        case .metadata:
            let token = world.metadata(["t"])
            return { world.client.cancel(token) }
        case .lookUps, .timestamps:
            let timestamp = wait == .lookUps ? -2 : Int64(number)
            let token = world.list("t", 2, timestamp)
            return { world.client.cancel(token) }
        }
    }

    private func read(
        _ world: World, _ partition: Int32 = 0, at offset: Int64, wait: Int64? = nil
    ) -> () -> Void {
        leave(world, world.read("t", partition, at: offset, wait: wait))
    }

    private func leave(_ world: World, _ token: ReadToken) -> () -> Void {
        { world.cancel(token) }
    }
}
