import Timing

/// Both paces of one session, or of all requests of one sender.
final class ProducePaces {
    var bytes: ProducePace?
    var records: ProducePace?

    init(bytesPerSecond: Int, recordsPerSecond: Int) {
        bytes = ProducePace(perSecond: bytesPerSecond)
        records = ProducePace(perSecond: recordsPerSecond)
    }

    var areUnlimited: Bool { bytes == nil && records == nil }

    /// There is nothing to know about them.
    func areFull(_ now: Instant) -> Bool {
        bytes?.isFull(now) ?? true && records?.isFull(now) ?? true
    }
}
