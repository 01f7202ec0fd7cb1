import CPubSubGW
import Runtime

/// The host's array of events, which may have been compiled against an older or a later header:
/// its stride is the host's, and of each event as much is written as both know.
struct EventArray {
    /// The size of the first version; no host has a smaller one.
    static let sizeMin = 72

    private let base: UnsafeMutableRawPointer
    private let count: Int
    private let stride: Int

    init(
        _ events: UnsafeMutablePointer<pubsubgw_event>?, max: Int32, stride: Int
    ) throws(Failure) {
        guard let events else { throw Failure(.invalid, "events is NULL") }
        guard max >= 1 else { throw Failure(.invalid, "max is \(max)") }
        guard stride >= Self.sizeMin && stride <= Argument.structBytesMax && stride % 8 == 0 else {
            throw Failure(.invalid, "event_size \(stride) is no size of a pubsubgw_event")
        }
        base = UnsafeMutableRawPointer(events)
        count = Int(max)
        self.stride = stride
    }

    func fill(from queue: EventQueue) throws(Failure) -> Int32 {
        var batches: [(index: Int, event: pubsubgw_event, data: EventData)] = []
        let taken = try queue.take(limit: count) { index, event, bytes in
            let raw = pubsubgw_event(event, bytes)
            write(raw, at: index)
            guard let data = event.data, data.isTable else { return }
            batches.append((index, raw, data))
        }
        // Outside of the queue's lock: the loops push meanwhile. The queue holds the data.
        for batch in batches {
            var raw = batch.event
            raw.setRecords(batch.data)
            raw.setDelivery(batch.data)
            write(raw, at: batch.index)
        }
        return Int32(clamping: taken)
    }

    private func write(_ event: pubsubgw_event, at index: Int) {
        let place = base + index * stride
        let known = min(stride, MemoryLayout<pubsubgw_event>.size)
        withUnsafeBytes(of: event) { bytes in
            guard let from = bytes.baseAddress else { return }
            place.copyMemory(from: from, byteCount: known)
        }
        if stride > known {
            (place + known).initializeMemory(as: UInt8.self, repeating: 0, count: stride - known)
        }
    }
}

extension pubsubgw_event {
    init(_ event: QueueEvent, _ bytes: UnsafeRawBufferPointer) {
        self.init()
        type = event.kind.rawValue
        status = event.rawStatus
        session = event.session
        token = event.token
        user_data = event.userData
        data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        len = bytes.count
        code = event.code
        flags = event.flags
        number = event.number
        number2 = event.number2
    }
}
