import CShims

/// Opens when it was counted down to zero; threads can wait for that. Sendable: its lock is within.
final class Latch: @unchecked Sendable {
    private let latch = UnsafeMutablePointer<cshims_latch>.allocate(capacity: 1)

    init(count: Int) { cshims_latch_init(latch, Int32(clamping: count)) }

    deinit {
        cshims_latch_destroy(latch)
        latch.deallocate()
    }

    var isOpen: Bool { wait(milliseconds: 0) }

    func countDown() { cshims_latch_count_down(latch) }

    /// False: the time is over.
    func wait(milliseconds: Int64) -> Bool { cshims_latch_wait(latch, milliseconds) != 0 }
}
