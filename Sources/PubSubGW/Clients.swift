import CPubSubGW
import GatewayCore
import KafkaCore
import Runtime

@c @implementation
public func pubsubgw_client_new(
    _ g: OpaquePointer?, _ config_json: UnsafePointer<CChar>?, _ q: OpaquePointer?,
    _ user_data: UInt64, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    answer { () throws(Failure) in
        guard let out else { throw Failure(.invalid, "out is NULL") }
        out.pointee = nil
        let gateway = try Argument.gateway(g)
        let queue = try Argument.queue(q)
        guard let config_json else { throw Failure(.invalid, "config_json is NULL") }
        let json = try Argument.json(
            config_json, textLength(config_json, Argument.jsonBytesMax + 1))
        let client = try gateway.makeClient(json: json, queue: queue, userData: user_data)
        out.pointee = try HandleRegistry.add(client, .client)
        return 0
    }
}

@c @implementation
public func pubsubgw_client_destroy(_ c: OpaquePointer?) {
    end(c, Argument.client) { $0.destroy() }
}

@c @implementation
public func pubsubgw_fetch(
    _ c: OpaquePointer?, _ a: UnsafePointer<pubsubgw_fetch_args>?, _ token: UInt64
) -> Int32 {
    answer { () throws(Failure) in
        let client = try Argument.client(c)
        guard let a else { throw Failure(.invalid, "a is NULL") }
        let raw = try SizedStruct.read(a, pubsubgw_fetch_args(), name: "pubsubgw_fetch_args")
        guard raw.offset >= -2 else {
            throw Failure(.invalid, "offset \(raw.offset) is neither an offset nor -1 nor -2")
        }
        var fetch = DirectFetch(
            topic: try Argument.topic(raw.topic), partition: try Argument.partition(raw.partition),
            offset: raw.offset)
        fetch.maxBytes = Int(try Argument.notNegative(raw.max_bytes, "max_bytes"))
        fetch.minBytes = Int(try Argument.notNegative(raw.min_bytes, "min_bytes"))
        fetch.maxWaitMilliseconds = Int64(try Argument.notNegative(raw.max_wait_ms, "max_wait_ms"))
        fetch.isolation = try Argument.isolation(raw.isolation)
        try client.ask(token: token, .fetch(fetch))
        return 0
    }
}

@c @implementation
public func pubsubgw_list_offset(
    _ c: OpaquePointer?, _ topic: UnsafePointer<CChar>?, _ partition: Int32, _ timestamp: Int64,
    _ token: UInt64
) -> Int32 {
    answer { () throws(Failure) in
        let client = try Argument.client(c)
        let ask = DirectAsk.listOffset(
            topic: try Argument.topic(topic), partition: try Argument.partition(partition),
            timestamp: timestamp)
        try client.ask(token: token, ask)
        return 0
    }
}

@c @implementation
public func pubsubgw_metadata(
    _ c: OpaquePointer?, _ topic: UnsafePointer<CChar>?, _ token: UInt64
) -> Int32 {
    answer { () throws(Failure) in
        let client = try Argument.client(c)
        let name = topic == nil ? nil : try Argument.topic(topic)
        try client.ask(token: token, .metadata(topic: name))
        return 0
    }
}

@c @implementation
public func pubsubgw_subscribe(
    _ c: OpaquePointer?, _ a: UnsafePointer<pubsubgw_subscribe_args>?, _ token: UInt64
) -> Int32 {
    answer { () throws(Failure) in
        let client = try Argument.client(c)
        guard let a else { throw Failure(.invalid, "a is NULL") }
        let raw = try SizedStruct.read(
            a, pubsubgw_subscribe_args(), name: "pubsubgw_subscribe_args")
        var subscribe = DirectSubscribe(
            topic: try Argument.topic(raw.topic), partition: try Argument.partition(raw.partition),
            start: try Argument.start(raw))
        subscribe.isolation = try Argument.isolation(raw.isolation)
        try Argument.readOptions(raw.options_json, &subscribe)
        try client.ask(token: token, .subscribe(subscribe))
        return 0
    }
}

@c @implementation
public func pubsubgw_cancel(_ c: OpaquePointer?, _ token: UInt64) -> Int32 {
    answer { () throws(Failure) in
        try Argument.client(c).cancel(token: token)
        return 0
    }
}

@c @implementation
public func pubsubgw_event_record(
    _ ev: UnsafePointer<pubsubgw_event>?, _ i: Int
) -> UnsafePointer<pubsubgw_record>? {
    guard let event = ev?.pointee, event.type == QueueEvent.Kind.records.rawValue,
        event.status == 0, i >= 0, i < event.len, let data = event.data
    else { return nil }
    let records = UnsafeRawPointer(data).assumingMemoryBound(to: pubsubgw_record.self)
    return records + i
}

extension Argument {
    fileprivate static func topic(
        _ pointer: UnsafePointer<CChar>?
    ) throws(Failure) -> String { try identifier(pointer, "topic") }

    fileprivate static func partition(_ value: Int32) throws(Failure) -> Int32 {
        try notNegative(value, "partition")
    }

    fileprivate static func notNegative(
        _ value: Int32, _ name: String
    ) throws(Failure) -> Int32 {
        guard value >= 0 else { throw Failure(.invalid, "\(name) is negative (\(value))") }
        return value
    }

    /// nil: the client's.
    fileprivate static func isolation(_ value: Int32) throws(Failure) -> Isolation? {
        switch value {
        case 0: return nil
        case 1: return .readUncommitted
        case 2: return .readCommitted
        default: throw Failure(.invalid, "isolation \(value) is none of 0, 1, 2")
        }
    }

    fileprivate static func start(
        _ raw: pubsubgw_subscribe_args
    ) throws(Failure) -> DirectSubscribe.Start {
        switch raw.start {
        case Int32(PUBSUBGW_START_OFFSET):
            guard raw.offset >= 0 else {
                throw Failure(.invalid, "offset is negative (\(raw.offset))")
            }
            return .offset(raw.offset)
        case Int32(PUBSUBGW_START_EARLIEST): return .earliest
        case Int32(PUBSUBGW_START_LATEST): return .latest
        case Int32(PUBSUBGW_START_TIMESTAMP):
            guard raw.timestamp >= 0 else {
                throw Failure(.invalid, "timestamp is negative (\(raw.timestamp))")
            }
            return .timestamp(raw.timestamp)
        default: throw Failure(.invalid, "start \(raw.start) is none of PUBSUBGW_START_*")
        }
    }

    fileprivate static func readOptions(
        _ json: UnsafePointer<CChar>?, _ subscribe: inout DirectSubscribe
    ) throws(Failure) {
        guard let json else { return }
        let bytes = try self.json(json, textLength(json, jsonBytesMax + 1))
        do {
            try subscribe.readOptions(bytes)
        } catch {
            throw Failure(.config, "options_json: \(error)")
        }
    }
}
