import Glibc

// Echoes every message: the WebSocket codec and the loop of the library with nothing behind them,
// for conformance suites, abuse and measurements.
exit(EchoCommand.run(Array(CommandLine.arguments.dropFirst())))
