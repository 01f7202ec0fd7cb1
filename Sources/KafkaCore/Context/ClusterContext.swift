import Timing

/// What all parts of one cluster's client share: its settings, the moment of the event that is
/// being handled, and where effects, log and figures go.
final class ClusterContext {
    let settings: ClusterSettings
    let limits: KafkaLimits
    var random: SeededRandom
    var counters = ClusterCounters()
    private(set) var now = Instant.zero
    private var effects: [ClusterEffect] = []
    /// Something may be sent now: there is something to do at the end of the turn.
    private(set) var needsFlush = false

    init(settings: ClusterSettings, limits: KafkaLimits, random: SeededRandom) {
        self.settings = settings
        self.limits = limits
        self.random = random
    }

    /// Time never goes back.
    func pass(to now: Instant) { self.now = max(self.now, now) }

    /// One event. The caller's array is ours meanwhile, so that the parts can append to it.
    func handle(_ now: Instant, _ out: inout [ClusterEffect], _ body: () -> Void) {
        pass(to: now)
        swap(&effects, &out)
        body()
        swap(&effects, &out)
    }

    func emit(_ effect: ClusterEffect) { effects.append(effect) }

    func log(_ level: LogLevel, _ text: String) { emit(.log(level, text)) }

    func needFlush() { needsFlush = true }
    func noteFlush() { needsFlush = false }
}
