import Bytes
import KafkaProtocol

@testable import KafkaCore

/// A log with its cache, and the decoding of record sets into it.
final class DecodeFixture {
    let cache: LogCache
    let log: PartitionLog
    var bench = DecodingBench(capBytes: 64 << 20)

    init(budgetBytes: Int = 64 << 20) {
        cache = LogCache(budgetBytes: budgetBytes)
        log = PartitionLog(topic: "t", partition: 0, cache: cache)
    }

    /// Decodes in steps of `budget` bytes. `aborted` nil: read uncommitted.
    @discardableResult
    func decode(
        _ records: [UInt8], from offset: Int64, aborted: [(producer: Int64, first: Int64)]? = nil,
        highWatermark: Int64 = -1, budget: Int = .max / 2
    ) -> RunBuilder {
        let builder = builder(
            of: records, from: offset, aborted: aborted, highWatermark: highWatermark)
        finish(builder, records, budget: budget)
        return builder
    }

    func builder(
        of records: [UInt8], from offset: Int64,
        aborted: [(producer: Int64, first: Int64)]? = nil, highWatermark: Int64 = -1
    ) -> RunBuilder {
        let list = aborted.map { pairs in
            AbortedTransactions(
                pairs.map {
                    FetchResponse.AbortedTransaction(producerID: $0.producer, firstOffset: $0.first)
                })
        }
        return RunBuilder(
            log: log, cache: cache, fetchOffset: offset,
            region: KafkaBytes(offset: 0, count: records.count), highWatermark: highWatermark,
            aborted: list)
    }

    func finish(_ builder: RunBuilder, _ records: [UInt8], budget: Int) {
        records.withUnsafeBytes { frame in
            while true {
                var left = budget
                let step = builder.step(
                    frame: frame, ownsBytes: true, budget: &left, &bench)
                if case .done = step { break }
            }
        }
        bench.rest()
    }

    func found(
        _ offset: Int64, _ isolation: Isolation = .readUncommitted, limit: Int = .max / 2
    ) -> CachedRecords? {
        cache.records(of: log, from: offset, isolation: isolation, limit: limit)
    }

    func slice(
        _ offset: Int64, _ isolation: Isolation = .readUncommitted, limit: Int = .max / 2
    ) -> RecordSlice? {
        found(offset, isolation, limit: limit).map {
            RecordSlice(
                log: log, firstOffset: $0.firstOffset, nextOffset: $0.nextOffset,
                byteCount: $0.byteCount, recordCount: $0.recordCount, position: .unknown,
                isolation: isolation)
        }
    }

    /// All bytes of a slice, taken `chunk` bytes at a time. nil: evicted or changed.
    func bytes(_ slice: RecordSlice, chunk: Int = .max / 2) -> [UInt8]? {
        cache.bytes(of: slice, chunk: chunk)
    }

    func messages(
        _ offset: Int64, _ isolation: Isolation = .readUncommitted, limit: Int = .max / 2,
        chunk: Int = .max / 2
    ) throws -> [DecodedMessage] {
        guard let slice = slice(offset, isolation, limit: limit) else { return [] }
        return try DecodedMessage.all(bytes(slice, chunk: chunk) ?? [])
    }

    func offsets(
        _ offset: Int64, _ isolation: Isolation = .readUncommitted, limit: Int = .max / 2
    ) throws -> [Int64] {
        try messages(offset, isolation, limit: limit).map(\.offset)
    }
}

extension LogCache {
    func bytes(of slice: RecordSlice, chunk: Int = .max / 2) -> [UInt8]? {
        var cursor = RecordCursor(slice)
        var taken: [UInt8] = []
        while !cursor.isAtEnd {
            guard let bytes = bytes(at: cursor, upTo: chunk), bytes.count > 0 else { return nil }
            taken += bytes
            advance(&cursor, by: bytes.count)
        }
        return taken
    }
}
