import Bytes
import KafkaCore
import RecordFormat
import Timing

/// How old records are when live subscribers get them. Somebody who reads history is no measure:
/// a partition counts from when its reader was at its end.
extension GatewayEngine {
    /// In front of the push of the records.
    func noteLag(_ followed: FollowedPartition, _ records: FollowedRecords) {
        guard followed.hasCaughtUp else { return }
        let written = firstTimestamp(records)
        guard written > 0 else { return }
        let now = epochMilliseconds &+ now.milliseconds(since: .zero)
        let lag = min(max(0, now &- written), Self.lagMillisecondsMax)
        counts.deliveryLag.add(microseconds: lag * 1000)
    }

    /// Behind the push, or behind a look that found nothing.
    func noteProgress(
        _ followed: FollowedPartition, _ isolation: Isolation, _ position: PartitionPosition
    ) {
        // A broker may tell no last stable offset.
        let isStable = isolation == .readCommitted && position.lastStableOffset >= 0
        let end = isStable ? position.lastStableOffset : position.highWatermark
        guard end >= 0, !followed.hasCaughtUp, let offset = followed.offset, offset >= end else {
            return
        }
        followed.caughtUp()
    }

    /// Of the first record. All whose followers are told of the same records share it.
    private func firstTimestamp(_ records: FollowedRecords) -> Int64 {
        commonPush.timestamp(of: records) { $0.firstTimestamp(workshop.cache) }
    }

    /// A year: what a producer writes as a timestamp may be anything.
    private static let lagMillisecondsMax: Int64 = 366 * 86_400_000
}

extension RecordSlice {
    /// Of the first record, in milliseconds since 1970. nil: it is not in the cache any more.
    fileprivate func firstTimestamp(_ cache: LogCache) -> Int64? {
        let cursor = RecordCursor(self)
        guard let piece = cache.bytes(at: cursor, upTo: KafkaMessageHead.bytesMax) else {
            return nil
        }
        var reader = ByteReader(piece)
        return KafkaMessageHead(&reader, isCut: true)?.timestamp
    }
}
