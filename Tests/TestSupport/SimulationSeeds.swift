import Glibc

/// The seeds that simulations run: `usual`, or those that SIMULATION_SEEDS=FROM-TO names.
public func simulationSeeds(usual: ClosedRange<UInt64>) -> ClosedRange<UInt64> {
    guard let text = getenv("SIMULATION_SEEDS").map({ String(cString: $0) }) else { return usual }
    let ends = text.split(separator: "-").compactMap { UInt64($0) }
    guard ends.count == 2, ends[0] <= ends[1] else {
        preconditionFailure("SIMULATION_SEEDS is FROM-TO")
    }
    return ends[0]...ends[1]
}
