import KafkaProtocol
import Testing

@testable import KafkaProducing

/// One row a code and what is known beside it: Kafka's own client, franz-go and librdkafka were
/// compared where they differ.
@Suite("What an answer about a batch asks for")
struct VerdictTests {
    typealias Context = ProduceVerdict.Context
    typealias Resending = ProduceVerdict.Resending

    struct Row: CustomTestStringConvertible {
        var code: Int16
        var context = Context(isIdempotent: true)
        var verdict: ProduceVerdict

        init(_ code: Int16, _ verdict: ProduceVerdict, _ change: (inout Context) -> Void = { _ in })
        {
            self.code = code
            self.verdict = verdict
            change(&context)
        }

        var testDescription: String { "\(KafkaError(code).name) \(context)" }
    }

    static let again = ProduceVerdict.resend(Resending())
    static let elsewhere = ProduceVerdict.resend(Resending(asksLeader: true))
    static let unsure = ProduceVerdict.resend(Resending(mayBeStored: true))

    static let rows: [Row] = [
        Row(0, .delivered(offsetKnown: true)),
        Row(46, .delivered(offsetKnown: false)),
        Row(10, .split) { $0.recordCount = 2 },
        Row(10, .fail(.tooLarge)) { $0.recordCount = 1 },
        Row(18, .split) { $0.recordCount = 2 },
        Row(6, elsewhere), Row(3, elsewhere), Row(100, elsewhere), Row(5, elsewhere),
        Row(9, elsewhere), Row(74, elsewhere), Row(56, elsewhere),
        Row(7, unsure), Row(20, unsure), Row(-1, unsure),
        Row(-1, .fail(.kafka)) { $0.isIdempotent = false },
        Row(19, again), Row(14, again), Row(15, again), Row(16, again), Row(51, again),
        Row(2, .signAgain),
        Row(2, .fail(.kafka)) { $0.wasSignedAgain = true },
        Row(87, .failRecords), Row(32, .failRecords),
        Row(45, .bump(mayHaveLost: true)),
        Row(45, .abort) { $0.isTransactional = true },
        Row(45, .fail(.kafka)) { $0.isIdempotent = false },
        Row(45, unsure) { $0.mayStillArrive = true },
        Row(59, again) { $0.logStartOffset = -1 },
        Row(59, .bump(mayHaveLost: false)) {
            $0.logStartOffset = 10
            $0.lastOffset = 9
        },
        Row(59, .bump(mayHaveLost: true)) {
            $0.logStartOffset = 9
            $0.lastOffset = 9
        },
        Row(59, .abort) {
            $0.logStartOffset = 9
            $0.lastOffset = 9
            $0.isTransactional = true
        },
        Row(47, .failAndBump),
        Row(47, .abort) { $0.isTransactional = true },
        Row(90, .fatal(.fenced)),
        Row(53, .fatal(.notAuthorized)), Row(31, .fatal(.notAuthorized)),
        Row(35, .fatal(.kafka)),
        Row(29, .fail(.notAuthorized)),
        Row(120, .abort),
        Row(17, .fail(.kafka)), Row(76, .fail(.kafka)), Row(999, .fail(.kafka)),
    ]

    @Test("each code has its row", arguments: rows)
    func row(_ row: Row) {
        #expect(ProduceVerdict(KafkaError(row.code), row.context) == row.verdict)
    }
}
