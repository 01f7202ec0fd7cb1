import Bytes
import KafkaCore
import RecordFormat
import Timing

/// How old records are when live subscribers get them. Somebody who reads history is no measure:
/// a partition counts from when its reader was at its end.
extension GatewayEngine {
    /// In front of the push of `slice`.
    func noteLag(_ followed: FollowedPartition, _ slice: RecordSlice) {
        guard followed.place?.hasCaughtUp == true,
            let written = slice.firstTimestamp(workshop.cache), written > 0
        else { return }
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
        guard end >= 0, let place = followed.place, place.offset >= end, !place.hasCaughtUp
        else { return }
        followed.caughtUp()
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
