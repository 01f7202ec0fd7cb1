import Glibc

// pubsubgw-mutations SEED COUNT: gives the library's Kafka client COUNT answers of real brokers
// with something changed in them, the checksums of record batches made anew. Nothing that a broker
// says may end the process.
//
// Scenes have the seeds SEED, SEED + 1, ...: one that ends the process says its own, which with a
// COUNT of 1 replays it.

/// At once, also where the output is a file.
func say(_ text: String) {
    print(text)
    fflush(nil)
}

/// What is printed when a scene ends the process: made before, as a handler may only write.
nonisolated(unsafe) let sceneText = UnsafeMutablePointer<CChar>.allocate(capacity: 64)
nonisolated(unsafe) var sceneTextCount = 0

func tellScene(_ seed: UInt64) {
    withVaList([seed]) { sceneTextCount = Int(vsnprintf(sceneText, 64, "FAILED scene %lu\n", $0)) }
}

for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] {
    signal(number) { number in
        _ = write(2, sceneText, sceneTextCount)
        signal(number, SIG_DFL)
        raise(number)
    }
}

guard CommandLine.argc == 3, let seed = UInt64(CommandLine.arguments[1]),
    let count = Int(CommandLine.arguments[2]), count > 0
else {
    print("usage: pubsubgw-mutations SEED COUNT")
    exit(2)
}

let recorded = RecordedAnswers()
var total = Scene.Tally()
var scenes: UInt64 = 0
var nextReport = 10_000_000
while total.answers < count {
    tellScene(seed &+ scenes)
    let tally = Scene(seed: seed &+ scenes, recorded).run()
    scenes += 1
    total.answers += tally.answers
    total.delivered += tally.delivered
    total.records += tally.records
    total.empty += tally.empty
    total.stored += tally.stored
    total.lost += tally.lost
    total.transactions += tally.transactions
    total.failures.merge(tally.failures, uniquingKeysWith: +)
    if total.answers >= nextReport {
        say("\(total.answers) answers, seeds \(seed)...\(seed &+ scenes - 1)")
        nextReport += 10_000_000
    }
}
say(
    "\(total.answers) changed answers in \(scenes) scenes, seeds \(seed)...\(seed &+ scenes - 1):"
        + " \(total.delivered) reads brought \(total.records) records, \(total.empty) none")
say(
    "\(total.stored) records were stored, \(total.lost) were not,"
        + " \(total.transactions) transactions ended")
let failures = total.failures.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
say("failures: \(failures.joined(separator: ", "))")
let isRead = total.delivered > 0 && total.empty > 0 && total.failures["corrupt", default: 0] > 0
let isTried = isRead && total.stored > 0 && total.lost > 0 && total.transactions > 0
say(isTried || count < 10_000 ? "1 passed, 0 failed" : "0 passed, 1 failed")
exit(isTried || count < 10_000 ? 0 : 1)
