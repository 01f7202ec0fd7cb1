import Bytes
import CPubSubGW
import Glibc
import RecordFormat
import Runtime
import Statuses

/// The records of one event as C structs, in one allocation: the records, their headers, then the
/// topic and the headers' names with their NULs. Keys and values stay where they are.
enum RecordTable {
    /// nil: there are none, no memory, or bytes that are no records.
    static func make(
        _ bytes: UnsafeRawBufferPointer, _ info: RecordsOfEvent
    ) -> UnsafeMutableRawPointer? {
        guard info.count > 0, let size = try? Size(bytes, info),
            let memory = malloc(size.byteCount)
        else { return nil }
        do throws(BytesError) {
            var filler = Filler(memory, size, info)
            try filler.fill(from: bytes)
            return memory
        } catch {
            free(memory)
            return nil
        }
    }

    struct Size {
        var recordCount = 0
        var headerCount = 0
        var textBytes: Int

        init(_ bytes: UnsafeRawBufferPointer, _ info: RecordsOfEvent) throws(BytesError) {
            textBytes = info.topic.utf8.count + 1
            var reader = KafkaMessageReader(bytes)
            while let record = try reader.next() {
                recordCount += 1
                headerCount += record.headerCount
                textBytes += record.headerNameBytes + record.headerCount
            }
            guard recordCount == info.count else { throw BytesError(.invalidLength, at: 0) }
        }

        var headersStart: Int { recordCount * MemoryLayout<pubsubgw_record>.stride }
        var textStart: Int {
            headersStart + headerCount * MemoryLayout<pubsubgw_header>.stride
        }
        var byteCount: Int { textStart + textBytes }
    }

    private struct Filler {
        private var record: UnsafeMutablePointer<pubsubgw_record>
        private var header: UnsafeMutablePointer<pubsubgw_header>
        private var text: UnsafeMutablePointer<CChar>
        private let topic: UnsafePointer<CChar>
        private let partition: Int32

        init(_ memory: UnsafeMutableRawPointer, _ size: Size, _ info: RecordsOfEvent) {
            record = memory.bindMemory(to: pubsubgw_record.self, capacity: size.recordCount)
            header = (memory + size.headersStart).bindMemory(
                to: pubsubgw_header.self, capacity: size.headerCount)
            text = (memory + size.textStart).bindMemory(to: CChar.self, capacity: size.textBytes)
            topic = UnsafePointer(text)
            partition = info.partition
            let count = info.topic.utf8.count + 1
            info.topic.withCString { text.update(from: $0, count: count) }
            text += count
        }

        mutating func fill(from bytes: UnsafeRawBufferPointer) throws(BytesError) {
            var reader = KafkaMessageReader(bytes)
            while let message = try reader.next() {
                var raw = pubsubgw_record()
                raw.struct_size = UInt32(MemoryLayout<pubsubgw_record>.size)
                raw.partition = partition
                raw.topic = topic
                raw.offset = message.offset
                raw.timestamp = message.timestamp
                raw.key = message.key?.baseAddress
                raw.key_len = message.key?.count ?? 0
                raw.value = message.value?.baseAddress
                raw.value_len = message.value?.count ?? 0
                raw.flags = message.isAppendTime ? UInt32(PUBSUBGW_APPEND_TIME) : 0
                if message.headerCount > 0 {
                    raw.headers = UnsafePointer(header)
                    raw.header_count = message.headerCount
                    try message.forEachHeader { add($0) }
                }
                record.initialize(to: raw)
                record += 1
            }
        }

        private mutating func add(_ part: KafkaMessageReader.Header) {
            var raw = pubsubgw_header()
            raw.name = UnsafePointer(text)
            raw.value = part.value?.baseAddress
            raw.value_len = part.value?.count ?? 0
            header.initialize(to: raw)
            header += 1
            for byte in part.name {
                text.pointee = CChar(bitPattern: byte)
                text += 1
            }
            text.pointee = 0
            text += 1
        }
    }
}

extension pubsubgw_event {
    /// `len` counts records, and `data` is their table.
    mutating func setRecords(_ eventData: EventData) {
        guard let info = eventData.records else { return }
        let table = RecordTable.make(eventData.bytes, info)
        eventData.table = table
        if table == nil, info.count > 0 { status = Status.noMemory.rawValue }
        data = UnsafePointer(table?.assumingMemoryBound(to: UInt8.self))
        len = table == nil ? 0 : info.count
    }
}
