// swift-tools-version: 6.2
import PackageDescription

// libpubsubgw: the targets are the architecture (Sources/README.md). A target may import only
// what stands above it in this file.

let directory = Context.packageDirectory
let release: BuildSettingCondition = .when(platforms: [.linux], configuration: .release)

/// Release code carries the static Swift runtime (the dynamic one installs signal handlers in the
/// host). Swift Testing comes for the dynamic one only: the unit tests of release code say so.
let runtime = Context.environment["PUBSUBGW_TESTS"] == "release" ? [] : ["-static-stdlib"]

/// Release code has no dynamic exclusivity checks (a factor of three on small messages). Debug
/// builds keep them. Without the two options of the front end every public function is a section
/// that the linker must retain: a megabyte that nobody calls.
let swift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .unsafeFlags(
        runtime + [
            "-enforce-exclusivity=unchecked", "-enable-cmo-everything",
            "-Xfrontend", "-internalize-at-link", "-Xfrontend", "-function-sections",
        ], release),
]

/// The tests' own code: nobody measures it, and optimising it takes longer than running it.
let unoptimised: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .unsafeFlags(["-Onone"], release),
]

/// What goes into the library is not given the string processing module, which every file imports
/// unasked: it would bring the regular expressions' parser, a megabyte that nobody calls.
let lean: [SwiftSetting] =
    swift + [.unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"])]

func link(_ options: [String]) -> [String] { options.flatMap { ["-Xlinker", $0] } }

/// Cross-module optimisation of everything leaves equal copies of the standard library's
/// specialised generics, as strong symbols, in several modules: any of them will do.
let linking: [LinkerSetting] = [.unsafeFlags(runtime + link(["-z", "muldefs"]), release)]

func module(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: lean)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
        swiftSettings: unoptimised,
        linkerSettings: [.unsafeFlags(link(["-z", "muldefs"]), release)])
}

let package = Package(
    name: "pubsubgw",
    products: [
        .library(name: "pubsubgw", type: .dynamic, targets: ["PubSubGW"]),
        .executable(name: "pubsubgw-devbroker", targets: ["pubsubgw-devbroker"]),
        .executable(name: "pubsubgw-echo", targets: ["pubsubgw-echo"]),
    ],
    targets: [
        // The contract and the system's libraries.
        .systemLibrary(name: "CPubSubGW", path: "include"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "CShims", dependencies: ["COpenSSL", "CZlib"],
            cSettings: [.define("_GNU_SOURCE"), .unsafeFlags(["-O3"], release)]),

        // Below: no I/O, no clock, no threads.
        module("Timing", ["CShims"]),
        module("Statuses", []),
        module("Bytes", []),
        module("Digests", ["COpenSSL", "CShims", "Bytes"]),
        module("SharedLibraries", []),
        module("Compression", ["CZlib", "CShims", "Bytes", "SharedLibraries"]),
        module("JSON", ["Bytes"]),
        module("RecordFormat", ["Bytes", "CShims"]),
        module("SASL", ["Bytes", "Digests", "Timing"]),
        module("WebSocketProtocol", ["Bytes", "Timing", "Digests", "Compression"]),
        module("PubSubProtocol", ["Bytes", "Digests", "JSON", "RecordFormat"]),
        module(
            "KafkaProtocol", ["Bytes", "Digests", "Compression", "CShims"],
            exclude: ["Definitions", "definitions.py", "generate"]),
        module(
            "KafkaProducing",
            ["Bytes", "Timing", "Digests", "Compression", "KafkaProtocol"]),
        module(
            "KafkaCore",
            [
                "Bytes", "Timing", "Compression", "KafkaProtocol", "KafkaProducing",
                "RecordFormat", "SASL",
            ]),
        module(
            "GatewayCore",
            [
                "Bytes", "Timing", "Digests", "Compression", "JSON", "SASL", "WebSocketProtocol",
                "RecordFormat", "Statuses", "PubSubProtocol", "KafkaProducing", "KafkaCore",
            ]),

        // The only I/O.
        module("EventLoop", ["CShims", "Bytes", "Timing"]),
        module("TLS", ["COpenSSL", "CShims", "Bytes", "EventLoop"]),
        module("Cyrus", ["CShims", "SharedLibraries"]),
        module(
            "Runtime",
            [
                "Bytes", "Timing", "Digests", "Compression", "WebSocketProtocol", "KafkaProtocol",
                "KafkaProducing", "KafkaCore", "GatewayCore", "EventLoop", "TLS", "Cyrus", "SASL",
                "CShims", "Statuses",
            ]),
        .target(
            name: "PubSubGW",
            dependencies: [
                "CPubSubGW", "CShims", "Bytes", "RecordFormat", "KafkaProducing", "KafkaCore",
                "GatewayCore", "Runtime", "Statuses",
            ],
            exclude: ["pubsubgw.map", "unneeded.ld", "generate-unneeded"], swiftSettings: lean,
            linkerSettings: [
                .unsafeFlags(
                    // lld: packed relocations and folded equal functions make the library a
                    // fifth smaller than gold's.
                    runtime + ["-use-ld=lld"]
                        + link([
                            "-soname=libpubsubgw.so.0",
                            "--version-script=\(directory)/Sources/PubSubGW/pubsubgw.map",
                            "-T\(directory)/Sources/PubSubGW/unneeded.ld",
                            "-Bsymbolic", "--gc-sections", "--icf=all", "-O2",
                            "-z", "muldefs", "-z", "nodelete", "-z", "now", "-z", "relro",
                            "-z", "pack-relative-relocs",
                        ]), release)
            ]),

        // Beside the library: an in-memory Kafka cluster, and the executables.
        module("KafkaMirror", ["Bytes", "Digests", "KafkaProtocol"]),
        module(
            "DevBroker",
            [
                "Bytes", "Timing", "Digests", "Compression", "JSON", "SASL", "KafkaProtocol",
                "KafkaMirror", "EventLoop", "TLS", "Cyrus", "CShims",
            ]),
        .executableTarget(
            name: "pubsubgw-devbroker",
            dependencies: ["DevBroker", "EventLoop", "TLS", "CShims"],
            swiftSettings: swift, linkerSettings: linking),
        .executableTarget(
            name: "pubsubgw-echo",
            dependencies: ["WebSocketProtocol", "EventLoop", "Bytes", "Timing", "CShims"],
            swiftSettings: swift, linkerSettings: linking),

        // What tests in other languages talk to.
        .executableTarget(
            name: "pubsub-bridge",
            dependencies: ["PubSubProtocol", "RecordFormat", "JSON", "Bytes"],
            path: "Tests/PubSubBridge", swiftSettings: swift, linkerSettings: linking),
        .executableTarget(
            name: "pubsub-bench",
            dependencies: ["PubSubProtocol", "RecordFormat", "JSON", "Bytes"],
            path: "Tests/Benchmarks/PubSub", swiftSettings: swift, linkerSettings: linking),

        // Figures of single parts; `Tests/Benchmarks/run` measures the whole.
        .executableTarget(
            name: "pubsubgw-benchmarks",
            dependencies: [
                "Bytes", "Compression", "KafkaCore", "KafkaMirror", "KafkaProtocol", "SASL",
                "Timing",
            ],
            path: "Tests/Benchmarks/Micro", swiftSettings: swift, linkerSettings: linking),

        // Tests mirror the targets.
        tests("BytesTests", ["Bytes"]),
        tests("TimingTests", ["Timing"]),
        // Both codecs of every message behind one protocol, and a tool that lets another
        // implementation compare itself with them (Tests/check-protocol).
        .target(
            name: "KafkaTestCodecs",
            dependencies: ["Bytes", "Compression", "KafkaProtocol", "KafkaMirror"],
            path: "Tests/KafkaTestCodecs", swiftSettings: swift),
        .executableTarget(
            name: "kafka-codec-tool",
            dependencies: ["Bytes", "KafkaProtocol", "KafkaMirror", "KafkaTestCodecs"],
            path: "Tests/kafka-codec-tool", swiftSettings: swift, linkerSettings: linking),
        // Answers of real brokers with something changed in them, against the client.
        .executableTarget(
            name: "pubsubgw-mutations",
            dependencies: [
                "Bytes", "Compression", "Digests", "KafkaCore", "KafkaMirror", "KafkaProducing",
                "KafkaProtocol", "KafkaTestCodecs", "PubSubProtocol", "SASL", "Timing",
            ],
            path: "Tests/Mutations", swiftSettings: swift, linkerSettings: linking),
        .target(name: "CTestHeap", path: "Tests/CTestHeap"),
        // Both engines' tests stand on it.
        .target(
            name: "Simulation",
            dependencies: ["DevBroker", "KafkaCore", "KafkaProtocol", "Bytes", "Timing"],
            path: "Tests/Simulation", swiftSettings: swift),
        .target(
            name: "TestSupport", dependencies: ["Bytes", "RecordFormat", "SASL"],
            path: "Tests/TestSupport", swiftSettings: swift),
        tests(
            "GatewayCoreTests",
            [
                "GatewayCore", "KafkaCore", "KafkaProducing", "PubSubProtocol", "RecordFormat",
                "DevBroker", "Compression", "Bytes", "Timing", "SASL", "CTestHeap", "Simulation",
                "TestSupport",
            ]),
        tests(
            "KafkaProtocolTests",
            [
                "Bytes", "Timing", "Digests", "Compression", "KafkaProtocol", "KafkaMirror",
                "KafkaTestCodecs",
            ]),
        tests(
            "KafkaProducingTests",
            [
                "KafkaProducing", "KafkaProtocol", "Compression", "Digests", "Bytes", "Timing",
                "TestSupport",
            ]),
        tests("DigestsTests", ["Digests", "CShims", "Timing"]),
        tests("SASLTests", ["SASL", "Timing", "TestSupport"]),
        tests(
            "DevBrokerTests",
            [
                "DevBroker", "KafkaMirror", "KafkaProtocol", "KafkaTestCodecs", "Compression",
                "SASL", "JSON", "Bytes", "Timing", "TestSupport",
            ]),
        tests("JSONTests", ["JSON", "Bytes"]),
        tests("RecordFormatTests", ["RecordFormat", "Bytes", "TestSupport"]),
        tests("PubSubProtocolTests", ["PubSubProtocol", "JSON", "Bytes", "TestSupport"]),
        tests(
            "WebSocketProtocolTests", ["WebSocketProtocol", "Bytes", "Timing", "Compression"]),
        tests("EventLoopTests", ["EventLoop", "CShims", "Timing"]),
        tests("TLSTests", ["TLS", "EventLoop", "COpenSSL"]),
        tests("CompressionTests", ["Compression", "Bytes", "Timing"], exclude: ["Vectors"]),
        tests(
            "RuntimeTests", ["Runtime", "GatewayCore", "KafkaProducing", "Statuses", "Timing"]),
        tests(
            "KafkaCoreTests",
            [
                "KafkaCore", "KafkaMirror", "KafkaProducing", "KafkaProtocol", "RecordFormat",
                "Compression", "Bytes", "Timing", "SASL", "Digests", "DevBroker", "Simulation",
                "TestSupport",
            ]),
    ]
)

// Tests/Fuzz/run: only with libFuzzer, whose library it names.
if let library = Context.environment["PUBSUBGW_FUZZER"] {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzzer", "Bytes", "Compression", "Digests", "JSON", "SASL", "WebSocketProtocol",
                "RecordFormat", "PubSubProtocol", "KafkaProtocol", "KafkaMirror", "KafkaTestCodecs",
                "KafkaCore", "GatewayCore",
            ],
            path: "Tests/Fuzz", exclude: ["CFuzzer", "run"], swiftSettings: swift,
            linkerSettings: [
                .unsafeFlags(link(["--whole-archive", library, "--no-whole-archive", "-lstdc++"]))
            ]),
    ]
}
