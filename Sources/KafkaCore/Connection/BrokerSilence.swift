import Timing

/// How long a broker that owes an answer has been silent. Bytes that trickle in are no silence: a
/// large answer may take its time.
struct BrokerSilence {
    private let patienceMilliseconds: Int64
    /// Between two looks at a broker that stays silent.
    private var pace: RetryPace
    private var from = Instant.distantFuture
    private(set) var isLate = false

    init(_ limits: KafkaLimits) {
        patienceMilliseconds = limits.answerLateMilliseconds
        pace = RetryPace(
            initialMilliseconds: limits.metadataMinAgeMilliseconds,
            maximumMilliseconds: limits.lateQuestionMilliseconds)
    }

    var lateAt: Instant { max(from, pace.retryAt ?? .zero) }

    /// Something is owed from now on, and may take `waitMilliseconds` by agreement.
    mutating func begin(waitMilliseconds: Int64, now: Instant) {
        from = now.adding(milliseconds: waitMilliseconds + patienceMilliseconds)
        pace.reset()
    }

    mutating func heard(now: Instant) {
        isLate = false
        from = max(from, now.adding(milliseconds: patienceMilliseconds))
        pace.reset()
    }

    mutating func noteLate(now: Instant, _ random: inout SeededRandom) {
        isLate = true
        pace.delay(from: now, &random)
    }
}
