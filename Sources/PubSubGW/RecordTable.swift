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
    static func make(_ records: RecordsOfEvent) -> UnsafeMutableRawPointer? {
        guard records.count > 0 else { return nil }
        // Most have none, and are then looked at once.
        if let table = make(records, HeaderRoom()) { return table }
        guard let room = try? HeaderRoom(records) else { return nil }
        return make(records, room)
    }

    private static func make(
        _ records: RecordsOfEvent, _ room: HeaderRoom
    ) -> UnsafeMutableRawPointer? {
        let size = Size(records, room)
        guard let memory = malloc(size.byteCount) else { return nil }
        do throws(BytesError) {
            var filler = Filler(memory, size, records)
            try filler.fill()
            return memory
        } catch {
            free(memory)
            return nil
        }
    }

    /// What the records' headers take in the table.
    private struct HeaderRoom {
        var count = 0
        var nameBytes = 0

        init() {}

        init(_ records: RecordsOfEvent) throws(BytesError) {
            for piece in records.pieces {
                var reader = KafkaMessageReader(piece.bytes)
                while let record = try reader.next() {
                    count += record.headerCount
                    nameBytes += record.headerNameBytes + record.headerCount
                }
            }
        }
    }

    private struct Size {
        let recordCount: Int
        let headerCount: Int
        let textBytes: Int

        init(_ records: RecordsOfEvent, _ room: HeaderRoom) {
            recordCount = records.count
            headerCount = room.count
            textBytes = records.topic.utf8.count + 1 + room.nameBytes
        }

        var headersStart: Int { recordCount * MemoryLayout<pubsubgw_record>.stride }
        var textStart: Int {
            headersStart + headerCount * MemoryLayout<pubsubgw_header>.stride
        }
        var byteCount: Int { textStart + textBytes }
    }

    private struct Filler {
        private let records: RecordsOfEvent
        private var record: UnsafeMutablePointer<pubsubgw_record>
        private var header: UnsafeMutablePointer<pubsubgw_header>
        private var text: UnsafeMutablePointer<CChar>
        private let topic: UnsafePointer<CChar>
        private var recordsLeft: Int
        private var headersLeft: Int

        init(_ memory: UnsafeMutableRawPointer, _ size: Size, _ records: RecordsOfEvent) {
            self.records = records
            record = memory.bindMemory(to: pubsubgw_record.self, capacity: size.recordCount)
            header = (memory + size.headersStart).bindMemory(
                to: pubsubgw_header.self, capacity: size.headerCount)
            text = (memory + size.textStart).bindMemory(to: CChar.self, capacity: size.textBytes)
            topic = UnsafePointer(text)
            recordsLeft = size.recordCount
            headersLeft = size.headerCount
            let count = records.topic.utf8.count + 1
            records.topic.withCString { text.update(from: $0, count: count) }
            text += count
        }

        /// Throws where there are other records, or more headers, than there is room for.
        mutating func fill() throws(BytesError) {
            for piece in records.pieces {
                var reader = KafkaMessageReader(piece.bytes)
                while let message = try reader.next() { try add(message) }
            }
            guard recordsLeft == 0 else { throw BytesError(.invalidLength, at: 0) }
        }

        private mutating func add(_ message: KafkaMessageReader.Record) throws(BytesError) {
            recordsLeft -= 1
            headersLeft -= message.headerCount
            guard recordsLeft >= 0, headersLeft >= 0 else {
                throw BytesError(.invalidLength, at: 0)
            }
            var raw = pubsubgw_record()
            raw.struct_size = UInt32(MemoryLayout<pubsubgw_record>.size)
            raw.partition = records.partition
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
        guard let records = eventData.records else { return }
        let table = RecordTable.make(records)
        eventData.table = table
        if table == nil, records.count > 0 { status = Status.noMemory.rawValue }
        data = UnsafePointer(table?.assumingMemoryBound(to: UInt8.self))
        len = table == nil ? 0 : records.count
    }
}
