import Bytes
import KafkaProducing

/// Records on their way from the host's thread to the loop, copied once from the host's memory. One
/// thread at a time has it: the host's until it is handed over.
public final class RecordBlock: @unchecked Sendable {
    /// Where a record's parts lie, in front of them.
    private struct Head {
        var topic: Int32
        var partition: Int32
        var keyCount: Int32
        var valueCount: Int32
        var headersCount: Int32
        var headerCount: Int32
        var timestamp: Int64
        var token: UInt64
    }

    private var bytes: ByteWriter
    private var topics: [String] = []
    private var places: [String: Int32] = [:]
    private var lastTopic: [UInt8] = []
    private var lastPlace: Int32 = -1
    public private(set) var recordCount = 0

    public init(capacity: Int) { bytes = ByteWriter(capacity: capacity) }

    public var byteCount: Int { bytes.count }

    /// Whether `appendTopic` was last called with these bytes.
    public func isLastTopic(_ name: UnsafeRawBufferPointer) -> Bool {
        lastPlace >= 0 && name.count == lastTopic.count && name.elementsEqual(lastTopic)
    }

    /// The topic of the records that come next.
    public func appendTopic(_ name: String) {
        lastTopic = Array(name.utf8)
        if let place = places[name] {
            lastPlace = place
            return
        }
        lastPlace = Int32(topics.count)
        places[name] = lastPlace
        topics.append(name)
    }

    /// A record of the last topic. Its parts are copied.
    /// - Parameter partition: -1: the partitioner chooses.
    public func append(_ record: borrowing ProducedRecord, partition: Int32) {
        let head = Head(
            topic: lastPlace, partition: partition,
            keyCount: record.key.map { Int32($0.count) } ?? -1,
            valueCount: record.value.map { Int32($0.count) } ?? -1,
            headersCount: Int32(record.headers.count), headerCount: Int32(record.headerCount),
            timestamp: record.timestamp, token: record.token)
        bytes.extend(Self.headSize).storeBytes(of: head, as: Head.self)
        if let key = record.key { bytes.bytes(key) }
        if let value = record.value { bytes.bytes(value) }
        bytes.bytes(record.headers)
        recordCount += 1
    }

    private static let headSize = MemoryLayout<Head>.size

    /// The records in their order. `topic` is asked once for each name.
    func forEach<Topic>(
        topic: (String) -> Topic,
        _ body: (borrowing ProducedRecord, Topic, _ partition: Int32?) -> Void
    ) {
        let found = topics.map(topic)
        bytes.withBytes { bytes in
            var at = 0
            for _ in 0..<recordCount {
                let head = bytes.loadUnaligned(fromByteOffset: at, as: Head.self)
                at += Self.headSize
                func part(_ count: Int32) -> UnsafeRawBufferPointer? {
                    guard count >= 0 else { return nil }
                    defer { at += Int(count) }
                    return UnsafeRawBufferPointer(rebasing: bytes[at..<at + Int(count)])
                }
                let (key, value) = (part(head.keyCount), part(head.valueCount))
                let record = ProducedRecord(
                    key: key, value: value,
                    headers: part(head.headersCount)
                        ?? UnsafeRawBufferPointer(start: nil, count: 0),
                    headerCount: Int(head.headerCount), timestamp: head.timestamp,
                    token: head.token)
                body(
                    record, found[Int(head.topic)], head.partition < 0 ? nil : head.partition)
            }
        }
    }
}
