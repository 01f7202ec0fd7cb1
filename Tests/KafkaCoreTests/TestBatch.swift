import Bytes
import Compression
import KafkaProtocol

@testable import KafkaCore

/// One batch for tests, described by what matters.
struct TestBatch {
    var base: Int64
    /// Offset deltas of the records that are there.
    var deltas: [Int32]
    var lastDelta: Int32?
    var producer: Int64 = -1
    var isTransactional = false
    var isControl = false
    var marker: ControlMarker?
    var codec = Codec.none
    var isLogAppendTime = false
    var valueBytes = 20
    var epoch: Int32 = 0
    var timestamp: Int64 = 1_700_000_000_000

    /// `count` plain records from `base` on.
    static func plain(_ base: Int64, _ count: Int32, valueBytes: Int = 20) -> TestBatch {
        TestBatch(base: base, deltas: Array(0..<count), valueBytes: valueBytes)
    }

    static func transactional(_ base: Int64, _ count: Int32, producer: Int64) -> TestBatch {
        TestBatch(base: base, deltas: Array(0..<count), producer: producer, isTransactional: true)
    }

    static func marker(_ base: Int64, _ marker: ControlMarker, producer: Int64) -> TestBatch {
        TestBatch(
            base: base, deltas: [0], producer: producer, isTransactional: true, isControl: true,
            marker: marker)
    }

    static func value(_ offset: Int64, _ count: Int) -> [UInt8] {
        let text = Array("value-\(offset)-".utf8)
        return (0..<max(count, text.count)).map { $0 < text.count ? text[$0] : UInt8(ascii: ".") }
    }

    var bytes: [UInt8] {
        var attributes: Int16 = isTransactional ? 0x10 : 0
        if isLogAppendTime { attributes |= 0x08 }
        var writer = RecordBatchWriter(
            RecordBatchHeader(
                baseOffset: base, partitionLeaderEpoch: epoch, attributes: attributes,
                producerID: producer, producerEpoch: producer >= 0 ? 0 : -1))
        if let marker {
            writer.appendMarker(marker, coordinatorEpoch: 0, timestamp: timestamp)
        } else {
            for delta in deltas {
                let offset = base + Int64(delta)
                writer.append(
                    key: Array("k\(offset)".utf8), value: Self.value(offset, valueBytes),
                    timestamp: timestamp &+ offset, offsetDelta: delta)
            }
        }
        var out = ByteWriter()
        let codec = codec
        writer.finish(
            &out, lastOffsetDelta: lastDelta, compressionCode: codec.rawValue,
            compress: { (try? codec.compress($0)) ?? [] })
        return out.array
    }
}

extension Array where Element == TestBatch {
    var bytes: [UInt8] { flatMap(\.bytes) }
}
