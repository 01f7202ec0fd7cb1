import CFuzzer
import Glibc

/// fuzz --list                      the targets' names
/// fuzz --seed TARGET DIRECTORY     writes the target's own inputs
/// fuzz TARGET [libFuzzer's options and corpus]
@main
enum Fuzz {
    nonisolated(unsafe) private static var chosen: FuzzTarget?

    static func main() {
        switch CommandLine.arguments.dropFirst().first {
        case "--list":
            for target in Targets.all { print(target.name) }
        case "--seed" where CommandLine.argc == 4:
            writeSeeds(of: target(CommandLine.arguments[2]), to: CommandLine.arguments[3])
        case let name?:
            chosen = target(name)
            exit(fuzz())
        case nil:
            print("usage: fuzz TARGET [option ...] | --list | --seed TARGET DIRECTORY")
            exit(2)
        }
    }

    private static func target(_ name: String) -> FuzzTarget {
        guard let target = Targets.all.first(where: { $0.name == name }) else {
            print("no target \(name): see --list")
            exit(2)
        }
        return target
    }

    private static func writeSeeds(of target: FuzzTarget, to directory: String) {
        for (number, seed) in target.seeds().enumerated() {
            guard let file = fopen("\(directory)/seed-\(number)", "w") else { exit(2) }
            fwrite(seed, 1, seed.count, file)
            fclose(file)
        }
    }

    private static func fuzz() -> Int32 {
        // The target's name takes the place of the program's.
        var count = CommandLine.argc - 1
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
            CommandLine.unsafeArgv + 1
        return LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in
            Fuzz.chosen?.run(UnsafeRawBufferPointer(start: bytes, count: size))
            return 0
        }
    }
}
