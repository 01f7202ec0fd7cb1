import Bytes
import KafkaCore
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
        if end >= 0, let place = followed.place, place.offset >= end { followed.caughtUp() }
    }

    /// A year: what a producer writes as a timestamp may be anything.
    private static let lagMillisecondsMax: Int64 = 366 * 86_400_000
}

extension RecordSlice {
    /// Room for the heads of a KafkaMessage: two tags with lengths, two integers.
    private static let headBytesMax = 64

    /// Of the first record, in milliseconds since 1970. nil: it is not in the cache any more, or
    /// has none.
    fileprivate func firstTimestamp(_ cache: LogCache) -> Int64? {
        guard let piece = cache.bytes(at: RecordCursor(self), upTo: Self.headBytesMax) else {
            return nil
        }
        var reader = ByteReader(piece)
        do throws(BytesError) {
            guard try reader.uint8() == 0x0a else { return nil }
            _ = try reader.uvarint64()
            var tag = try reader.uint8()
            if tag == 0x08 {
                _ = try reader.uvarint64()
                tag = try reader.uint8()
            }
            return tag == 0x10 ? Int64(bitPattern: try reader.uvarint64()) : nil
        } catch { return nil }
    }
}
