/// Reads the records that nearly all records are, as long as there is one after the other: without
/// headers, no varint of more than three bytes, and a few bytes behind them in the batch, so that
/// they may be copied in larger pieces. Nothing is checked twice and nothing is written back per
/// record; whatever is not like that is left to `RecordReader`, which begins anew with it.
public struct PlainRecordReader {
    /// What `look` has seen. A value of its own: who looks holds it in registers.
    public struct Seen {
        public var offset: Int64
        /// Milliseconds.
        public var timestamp: Int64
        /// nil for null.
        public var key: UnsafeRawPointer?
        /// -1 for null.
        public var keyCount = -1
        public var value: UnsafeRawPointer?
        public var valueCount = -1
        /// Bytes that the record takes in the batch.
        public var byteCount: Int

        @usableFromInline var end: UnsafeRawPointer
        @usableFromInline var delta: Int

        @inlinable @inline(__always)
        init(
            offset: Int64, timestamp: Int64, byteCount: Int, end: UnsafeRawPointer, delta: Int
        ) {
            self.offset = offset
            self.timestamp = timestamp
            self.byteCount = byteCount
            self.end = end
            self.delta = delta
        }
    }

    /// No record of the batch can have a higher one.
    public let offsetMax: Int64

    @usableFromInline var at: UnsafeRawPointer
    /// No record that is read here ends behind it.
    @usableFromInline let last: UnsafeRawPointer
    @usableFromInline let baseOffset: Int64
    @usableFromInline let baseTimestamp: Int64
    @usableFromInline let timestampDeltaMask: Int64
    @usableFromInline let deltaMax: Int
    @usableFromInline var lastDelta: Int

    /// So many bytes follow each record. A record's fixed part and four bytes that are read too far
    /// take fewer.
    public static let bytesBehind = 40

    /// Stands where `reader` stands; nil near the end of the batch.
    @inlinable
    public init?(_ reader: RecordReader) {
        guard reader.cursor.remaining >= Self.bytesBehind else { return nil }
        at = reader.cursor.at
        last = reader.cursor.end - Self.bytesBehind
        baseOffset = reader.baseOffset
        baseTimestamp = reader.baseTimestamp
        timestampDeltaMask = reader.timestampDeltaMask
        deltaMax = reader.deltaMax
        lastDelta = reader.lastDelta
        offsetMax = baseOffset &+ Int64(deltaMax)
    }

    /// The next record if it is one for this reader. The caller counts: `RecordReader.left` is not
    /// looked at.
    @inlinable @inline(__always)
    public func look() -> Seen? {
        // `at` is not behind `last`, and the fixed part is shorter than `bytesBehind`: no read here
        // leaves the batch, whatever it says.
        var place = at
        // Negative lengths and distances have bit 0 set, and so has the mark of a long varint.
        let length = shortVarint(&place)
        let end = place + Int(bitPattern: length >> 1)
        guard length & 1 == 0, end <= last else { return nil }
        place += 1
        let timestampDelta = shortVarint(&place)
        let rawDelta = shortVarint(&place)
        let delta = Int(bitPattern: rawDelta >> 1)
        guard timestampDelta != longVarint, rawDelta & 1 == 0, delta > lastDelta,
            delta <= deltaMax
        else { return nil }
        var seen = Seen(
            offset: baseOffset &+ Int64(delta),
            timestamp: baseTimestamp &+ (Int64(zigzag(timestampDelta)) & timestampDeltaMask),
            byteCount: end - at, end: end, delta: delta)
        let rawKey = shortVarint(&place)
        if rawKey != 1 {
            seen.key = place
            seen.keyCount = Int(bitPattern: rawKey >> 1)
            guard rawKey & 1 == 0, seen.keyCount < end - place else { return nil }
            place += seen.keyCount
        }
        let rawValue = shortVarint(&place)
        if rawValue != 1 {
            seen.value = place
            seen.valueCount = Int(bitPattern: rawValue >> 1)
            guard rawValue & 1 == 0, seen.valueCount < end - place else { return nil }
            place += seen.valueCount
        }
        // One byte, a count of 0 headers, ends the record.
        guard end - place == 1, place.load(as: UInt8.self) == 0 else { return nil }
        return seen
    }

    /// Goes on behind the record that `look` has seen.
    @inlinable @inline(__always)
    public mutating func pass(_ seen: Seen) {
        at = seen.end
        lastDelta = seen.delta
    }
}

extension RecordReader {
    /// Goes on where `plain`, which began here, stands after `count` records.
    @inlinable
    public mutating func goOn(behind plain: PlainRecordReader, count: Int) {
        precondition(plain.at <= cursor.end && count <= recordsLeft)
        cursor.at = plain.at
        lastDelta = plain.lastDelta
        recordsLeft -= count
    }
}
