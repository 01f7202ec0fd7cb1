import Compression
import Glibc

// pubsubgw-benchmarks decode [CODEC ...]: CPU per record of a 1 MB fetch, for each codec, as the
// median of five rounds.
//
// pubsubgw-benchmarks produce [CODEC ...]: CPU per record of building 1 MB batches.

func threadNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func decode(_ names: [String]) throws {
    for codec in Codec.allCases
    where codec.isAvailable && (names.isEmpty || names.contains(codec.name)) {
        var benchmark = try DecodeBenchmark(codec)
        // Two budgets of the cache first: then every fetch evicts, as a busy gateway's does.
        for _ in 0..<120 { benchmark.fetch() }
        var rounds: [Double] = []
        for _ in 0..<5 {
            let before = (benchmark.nanoseconds, benchmark.records)
            for _ in 0..<60 { benchmark.fetch() }
            let time = Double(benchmark.nanoseconds - before.0)
            rounds.append(time / Double(benchmark.records - before.1))
        }
        let median = (rounds.sorted()[2] * 10).rounded() / 10
        print("decode \(codec.name): \(median) ns a record")
    }
}

switch CommandLine.arguments.dropFirst().first {
case "decode": try decode(Array(CommandLine.arguments.dropFirst(2)))
case "produce": try produce(Array(CommandLine.arguments.dropFirst(2)))
default:
    print("usage: pubsubgw-benchmarks decode|produce [CODEC ...]")
    exit(2)
}
