/// A decoder that reads bytes from outside, for `Tests/Fuzz/run`.
///
/// To add one: write `<Decoder>.swift` beside this file with a `let ...Targets: [FuzzTarget]`, and
/// put it into the list of Targets.swift.
struct FuzzTarget: Sendable {
    let name: String
    /// Inputs to start from; what the decoder accepts teaches the fuzzer most.
    let seeds: @Sendable () -> [[UInt8]]
    /// Reads one input. A trap, an error of AddressSanitizer, more than ten seconds or more than
    /// 2 GB are findings; so is what `require` finds false.
    let run: @Sendable (UnsafeRawBufferPointer) -> Void

    init(
        _ name: String, seeds: @autoclosure @escaping @Sendable () -> [[UInt8]] = [],
        run: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) {
        self.name = name
        self.seeds = seeds
        self.run = run
    }
}

/// A property of a decoder. It holds in optimised builds too.
func require(_ condition: Bool, _ sentence: @autoclosure () -> String) {
    if !condition { fatalError(sentence()) }
}
