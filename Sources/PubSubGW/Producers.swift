import CPubSubGW
import GatewayCore
import KafkaProducing
import Runtime

@c @implementation
public func pubsubgw_producer_new(
    _ c: OpaquePointer?, _ settings_json: UnsafePointer<CChar>?, _ user_data: UInt64,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    answer { () throws(Failure) in
        guard let out else { throw Failure(.invalid, "out is NULL") }
        out.pointee = nil
        let client = try Argument.client(c)
        var json: UnsafeRawBufferPointer?
        if let settings_json {
            json = try Argument.json(
                settings_json, textLength(settings_json, Argument.jsonBytesMax + 1))
        }
        let producer = try client.makeProducer(json: json, userData: user_data)
        out.pointee = try HandleRegistry.add(producer, .producer)
        return 0
    }
}

@c @implementation
public func pubsubgw_producer_destroy(_ p: OpaquePointer?) {
    end(p, Argument.producer) { $0.destroy() }
}

@c @implementation
public func pubsubgw_produce(
    _ p: OpaquePointer?, _ record: UnsafePointer<pubsubgw_produce_args>?
) -> Int32 {
    answer { () throws(Failure) in
        guard try produce(p, record, 1) == 1 else { throw NewRecords.full }
        return 0
    }
}

@c @implementation
public func pubsubgw_produce_batch(
    _ p: OpaquePointer?, _ records: UnsafePointer<pubsubgw_produce_args>?, _ count: Int
) -> Int32 {
    answer { () throws(Failure) in
        guard count >= 0, count <= NewRecords.countMax else {
            throw Failure(.invalid, "count \(count) is not 0 to \(NewRecords.countMax)")
        }
        guard count > 0 else { return 0 }
        let taken = try produce(p, records, count)
        guard taken > 0 else { throw NewRecords.full }
        return Int32(taken)
    }
}

@c @implementation
public func pubsubgw_flush(_ p: OpaquePointer?, _ token: UInt64) -> Int32 {
    answer { () throws(Failure) in
        try Argument.producer(p).ask(token: token) { .flush(token: $0) }
        return 0
    }
}

@c @implementation
public func pubsubgw_transaction_begin(_ p: OpaquePointer?, _ token: UInt64) -> Int32 {
    answer { () throws(Failure) in
        try Argument.transactional(p).ask(token: token) { .begin(token: $0) }
        return 0
    }
}

@c @implementation
public func pubsubgw_transaction_commit(_ p: OpaquePointer?, _ token: UInt64) -> Int32 {
    answer { () throws(Failure) in
        try Argument.transactional(p).ask(token: token) { .commit(token: $0) }
        return 0
    }
}

@c @implementation
public func pubsubgw_transaction_abort(_ p: OpaquePointer?, _ token: UInt64) -> Int32 {
    answer { () throws(Failure) in
        try Argument.transactional(p).ask(token: token) { .abort(token: $0) }
        return 0
    }
}

@c @implementation
public func pubsubgw_event_delivery(
    _ ev: UnsafePointer<pubsubgw_event>?
) -> UnsafePointer<pubsubgw_delivery>? {
    guard let event = ev?.pointee, event.type == QueueEvent.Kind.delivery.rawValue,
        let data = event.data
    else { return nil }
    return UnsafeRawPointer(data).assumingMemoryBound(to: pubsubgw_delivery.self)
}

/// How many of the records were taken; fewer than all: there is no room. What is wrong with one is
/// told if it is the first; else those before it are taken, and the next call tells.
private func produce(
    _ p: OpaquePointer?, _ records: UnsafePointer<pubsubgw_produce_args>?, _ count: Int
) throws(Failure) -> Int {
    let producer = try Argument.producer(p)
    guard let records else { throw Failure(.invalid, "records is NULL") }
    var source = try NewRecords(records)
    do throws(Failure) {
        try producer.produce { room throws(Failure) in try source.copy(count, to: room) }
    } catch {
        guard source.taken > 0 else { throw error }
    }
    return source.taken
}

/// Records of the host's, one behind the other; each is as large as the first says.
private struct NewRecords: ~Copyable {
    static let countMax = 1 << 20
    static let full = Failure(
        .full, "buffer.memory: as many bytes of records wait; PUBSUBGW_EV_ROOM comes")
    private static let sizeMin = 72

    private let base: UnsafePointer<pubsubgw_produce_args>
    private let stride: Int
    private(set) var taken = 0
    private var headers = ProducedHeaders()

    init(_ records: UnsafePointer<pubsubgw_produce_args>) throws(Failure) {
        base = records
        _ = try SizedStruct.read(
            records, pubsubgw_produce_args(), name: "pubsubgw_produce_args",
            sizeMin: Self.sizeMin)
        stride = Int(UnsafeRawPointer(records).load(as: UInt32.self))
    }

    mutating func copy(_ count: Int, to room: borrowing Room) throws(Failure) {
        while taken < count {
            guard try copy(try record(taken), to: room) else { return }
            taken += 1
        }
    }

    private func record(_ index: Int) throws(Failure) -> pubsubgw_produce_args {
        let place = UnsafeRawPointer(base) + index * stride
        guard place.load(as: UInt32.self) == UInt32(stride) else {
            throw Failure(.invalid, "record \(index) has another struct_size than the first")
        }
        if stride == MemoryLayout<pubsubgw_produce_args>.size {
            return place.load(as: pubsubgw_produce_args.self)
        }
        return try SizedStruct.read(
            place.assumingMemoryBound(to: pubsubgw_produce_args.self),
            pubsubgw_produce_args(), name: "pubsubgw_produce_args", sizeMin: Self.sizeMin)
    }

    private mutating func copy(
        _ raw: pubsubgw_produce_args, to room: borrowing Room
    ) throws(Failure) -> Bool {
        try setTopic(raw.topic, room)
        guard raw.partition >= -1 else {
            throw Failure(.invalid, "partition \(raw.partition) is neither one nor -1")
        }
        guard raw.timestamp >= 0 else {
            throw Failure(.invalid, "timestamp is negative (\(raw.timestamp))")
        }
        try readHeaders(raw)
        let key = try Argument.bytes(raw.key, raw.key_len, "key")
        let value = try Argument.bytes(raw.value, raw.value_len, "value")
        var result = Result<Bool, Failure>.success(false)
        headers.withBytes { bytes in
            let record = ProducedRecord(
                key: key, value: value, headers: bytes, headerCount: headers.count,
                timestamp: raw.timestamp, token: raw.token)
            do throws(Failure) {
                result = .success(try room.append(record, partition: raw.partition))
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }

    private func setTopic(
        _ pointer: UnsafePointer<CChar>?, _ room: borrowing Room
    ) throws(Failure) {
        if let pointer {
            let count = textLength(pointer, Argument.stringBytesMax + 1)
            let bytes = UnsafeRawBufferPointer(start: pointer, count: count)
            if room.isLastTopic(bytes) { return }
        }
        room.setTopic(try Argument.identifier(pointer, "topic"))
    }

    private mutating func readHeaders(_ raw: pubsubgw_produce_args) throws(Failure) {
        headers.removeAll()
        guard raw.header_count != 0 else { return }
        // A size_t beyond 2^63 is negative here.
        guard (1...Self.headersMax).contains(raw.header_count), let first = raw.headers else {
            throw Failure(
                .invalid, "header_count is \(raw.header_count), and headers NULL or too many")
        }
        var left = Argument.bytesMax
        for index in 0..<raw.header_count {
            let header = first[index]
            guard let name = header.name else {
                throw Failure(.invalid, "the name of header \(index) is NULL")
            }
            let count = textLength(name, Argument.stringBytesMax + 1)
            guard count <= Argument.stringBytesMax else {
                throw Failure(.invalid, "the name of header \(index) is too long")
            }
            let value = try Argument.bytes(header.value, header.value_len, "header value")
            left -= count + (value?.count ?? 0)
            guard left >= 0 else {
                throw Failure(.invalid, "headers have more than \(Argument.bytesMax) bytes")
            }
            headers.append(
                name: UnsafeRawBufferPointer(start: name, count: count), value: value)
        }
    }

    private static let headersMax = 1 << 16
}

extension Argument {
    fileprivate static func transactional(
        _ pointer: OpaquePointer?
    ) throws(Failure) -> KafkaProducer {
        let producer = try producer(pointer)
        guard producer.settings.producer.transactionalID != nil else {
            throw Failure(.invalid, "the producer has no transactional.id")
        }
        return producer
    }
}
