import CPubSubGW
import Glibc
import Runtime
import Statuses

/// What one event tells of a producer's records as a C struct, in one allocation: the struct, the
/// tokens, then the topic and the text with their NULs.
enum DeliveryTable {
    /// nil: no memory.
    static func make(_ delivery: DeliveryOfEvent) -> UnsafeMutablePointer<pubsubgw_delivery>? {
        let tokensStart = MemoryLayout<pubsubgw_delivery>.stride
        let topicStart = tokensStart + delivery.tokens.count * MemoryLayout<UInt64>.stride
        let textStart = topicStart + delivery.topic.utf8.count + 1
        guard let memory = malloc(textStart + delivery.text.utf8.count + 1) else { return nil }
        let tokens = (memory + tokensStart).bindMemory(
            to: UInt64.self, capacity: delivery.tokens.count)
        delivery.tokens.withUnsafeBufferPointer { from in
            if let start = from.baseAddress { tokens.initialize(from: start, count: from.count) }
        }
        var raw = pubsubgw_delivery()
        raw.struct_size = UInt32(MemoryLayout<pubsubgw_delivery>.size)
        raw.partition = delivery.partition
        raw.topic = copy(delivery.topic, to: memory + topicStart)
        raw.offset = delivery.offset
        raw.timestamp = delivery.timestamp
        raw.tokens = UnsafePointer(tokens)
        raw.count = delivery.tokens.count
        raw.text = copy(delivery.text, to: memory + textStart)
        let table = memory.bindMemory(to: pubsubgw_delivery.self, capacity: 1)
        table.initialize(to: raw)
        return table
    }

    private static func copy(
        _ text: String, to memory: UnsafeMutableRawPointer
    ) -> UnsafePointer<CChar> {
        let count = text.utf8.count + 1
        let place = memory.bindMemory(to: CChar.self, capacity: count)
        text.withCString { place.initialize(from: $0, count: count) }
        return UnsafePointer(place)
    }
}

extension pubsubgw_event {
    /// `len` counts records, and `data` is their table.
    mutating func setDelivery(_ eventData: EventData) {
        guard let delivery = eventData.delivery else { return }
        let table = DeliveryTable.make(delivery)
        eventData.table = UnsafeMutableRawPointer(table)
        if table == nil { status = Status.noMemory.rawValue }
        data = UnsafePointer(
            UnsafeMutableRawPointer(table)?.assumingMemoryBound(to: UInt8.self))
        len = table == nil ? 0 : delivery.tokens.count
    }
}
