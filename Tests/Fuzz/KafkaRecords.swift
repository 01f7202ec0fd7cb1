import Bytes
import KafkaProtocol
import KafkaTestCodecs

/// Record sets and batches. Checksums are not asked for, so that the fuzzer gets behind them.
let kafkaRecordTargets = [
    FuzzTarget("kafka-record-set", seeds: recordSets()) { walk($0) },
    FuzzTarget("kafka-records", seeds: payloads()) { input in
        guard input.count >= 4 else { return }
        let header = RecordBatchHeader(
            baseOffset: 1 << 40, attributes: input[0] & 1 == 0 ? 0 : 8,
            lastOffsetDelta: Int32(input[1]), recordCount: Int32(input[2]))
        check(header, UnsafeRawBufferPointer(rebasing: input[3...]))
    },
    FuzzTarget("kafka-legacy-records") { input in
        guard input.count >= 2 else { return }
        var header = RecordBatchHeader(
            baseOffset: Int64(input[0]), magic: Int8(input[1] & 1), recordCount: -1)
        header.attributes = input[1] & 2 == 0 ? 1 : 9
        check(header, UnsafeRawBufferPointer(rebasing: input[2...]))
    },
]

private func walk(_ input: UnsafeRawBufferPointer) {
    var reader = RecordSetReader(input)
    while true {
        let position = reader.position
        do {
            guard let batch = try reader.next() else { return }
            try? batch.verifyChecksum()
            _ = try? batch.controlMarker()
            if batch.header.compressionCode == 0 { check(batch.header, batch.payload) }
        } catch {
            // An entry that can be passed over, or the end.
            guard reader.position > position else { return }
        }
        require(reader.position > position, "an entry without bytes")
    }
}

/// Offsets grow, another could follow each, and those of a wrapper lie within it.
private func check(_ header: RecordBatchHeader, _ payload: UnsafeRawBufferPointer) {
    guard let records = try? owned(header, payload) else { return }
    var last = header.magic < 2 ? -1 : header.baseOffset - 1
    for record in records {
        require(record.offset > last, "offset \(record.offset) behind \(last)")
        last = record.offset
    }
    require(last < .max, "nothing can follow the largest offset")
    let isKnown = header.magic == 1 && header.baseOffset != 0
    require(!isKnown || last <= header.lastOffset, "offset \(last) beyond the batch")
}

private func recordSets() -> [[UInt8]] { [batch(0) + batch(40), batch(0x20), []] }

private func payloads() -> [[UInt8]] {
    [[0, 2, 3] + batch(0)[RecordBatchHeader.byteCount...]]
}

private func batch(_ attributes: Int16) -> [UInt8] {
    var writer = RecordBatchWriter(RecordBatchHeader(attributes: attributes))
    writer.append(key: [1], value: [UInt8](repeating: 2, count: 100), timestamp: 1)
    writer.append(key: nil, value: nil, headers: [([3], [4]), ([5], nil)], timestamp: 100_000)
    writer.append(key: [], value: [], timestamp: 0)
    var w = ByteWriter()
    writer.finish(&w)
    return w.array
}
