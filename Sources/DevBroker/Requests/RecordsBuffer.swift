import Bytes
import KafkaProtocol

/// The records of a Fetch response while it is put together. A response with one run of bytes, the
/// usual one, borrows it from the log; several runs are gathered first.
final class RecordsBuffer {
    private var gathered = ByteWriter()
    private var borrowed: UnsafeRawBufferPointer?
    private let mayBorrow: Bool

    init(_ reading: FetchReading, isDamaged: Bool) {
        mayBorrow = !isDamaged && reading.entries.count { $0.slice.bytes > 0 } == 1
    }

    /// Where the slice's bytes are found in `withBytes`.
    func place(
        _ slice: Partition.Slice, _ log: PartitionLog, _ damage: RecordDamage? = nil
    ) -> KafkaBytes {
        guard slice.bytes > 0 else { return KafkaBytes(offset: 0, count: 0) }
        if let damage { return place(damaged(slice, log, damage)) }
        if mayBorrow, let run = log.contiguousBytes(slice.places) {
            borrowed = run
            return KafkaBytes(offset: 0, count: run.count)
        }
        let start = gathered.count
        gathered.reserve(slice.bytes)
        log.forEachPiece(of: slice.places) { gathered.bytes($0) }
        return KafkaBytes(offset: start, count: slice.bytes)
    }

    private func damaged(
        _ slice: Partition.Slice, _ log: PartitionLog, _ damage: RecordDamage
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        log.forEachPiece(of: slice.places) { bytes += $0 }
        damage.apply(to: &bytes)
        return bytes
    }

    private func place(_ bytes: [UInt8]) -> KafkaBytes {
        let start = gathered.count
        gathered.bytes(bytes)
        return KafkaBytes(offset: start, count: bytes.count)
    }

    /// Valid while the log does not change.
    func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        if let borrowed { body(borrowed) } else { gathered.withBytes(body) }
    }
}
