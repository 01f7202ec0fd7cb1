import TestSupport
import Testing

private let chosenSeeds = simulationSeeds(usual: 1...6)

/// The whole gateway with everything that may go wrong, from a seed: sockets that take a few bytes,
/// clients that stop and leave, brokers that fall, leaders that move, answers that are late, lost,
/// cut or damaged, transactions, and a cache too small for what is asked. Every session gets
/// exactly what it asked for.
///
/// SIMULATION_SEEDS=FROM-TO runs other seeds than the usual few. A run is the same whenever its
/// seed is.
@Suite struct GatewaySimulation {
    @Test("seeds", arguments: chosenSeeds)
    func everySessionGetsWhatItAskedFor(_ seed: UInt64) throws {
        // A trap ends the process: its seed has to be known by then.
        if chosenSeeds.count > 10 { print("simulation: seed \(seed)") }
        let world = try SimulatedWorld(seed: seed)
        for _ in 0..<600 { try world.step() }
        try world.finish()
        #expect(world.checked > 100, "seed \(seed): only \(world.checked) replies")
        #expect(world.recordsChecked > 2_000, "seed \(seed): only \(world.recordsChecked) records")
    }

    @Test("a seed replays")
    func replay() throws {
        let digests = try (0..<2).map { _ in
            let world = try SimulatedWorld(seed: 7)
            for _ in 0..<300 { try world.step() }
            return world.digest
        }
        #expect(digests[0] == digests[1])
    }
}
