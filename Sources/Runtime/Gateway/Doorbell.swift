import Synchronization

/// Pipes whose host has left something for their loop: one wake-up serves all that ring meanwhile.
final class Doorbell: Sendable {
    private let rung = Mutex<[UInt64]>([])

    /// True: nobody has rung since the last answer, and the loop has to be woken.
    func ring(_ session: UInt64) -> Bool {
        rung.withLock { rung in
            rung.append(session)
            return rung.count == 1
        }
    }

    /// Who has rung, into an empty array, whose memory is used for the next.
    func answer(_ sessions: inout [UInt64]) { rung.withLock { swap(&$0, &sessions) } }
}
