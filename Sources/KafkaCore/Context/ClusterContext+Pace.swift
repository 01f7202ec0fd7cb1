import Timing

/// Whatever asks a broker again goes through here: the pause grows from attempt to attempt, and
/// ends with progress.
extension ClusterContext {
    /// `atLeast`: milliseconds.
    func delay(_ pace: inout RetryPace, _ kind: RetryKind, atLeast least: Int64 = 0) {
        if pace.allows(now) { counters.retries[kind, default: 0] += 1 }
        pace.delay(from: now, atLeast: least, &random)
    }

    /// The first attempt since there was progress is repeated at once, further ones after a pause.
    func delayButFirst(_ pace: inout RetryPace, _ kind: RetryKind) {
        let before = pace.retryAt
        pace.delayButFirst(from: now, &random)
        if pace.retryAt != before { counters.retries[kind, default: 0] += 1 }
    }
}
