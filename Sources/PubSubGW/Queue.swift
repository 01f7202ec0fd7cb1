import CPubSubGW
import Runtime

@c @implementation
public func pubsubgw_queue_new(
    _ g: OpaquePointer?, _ flags: UInt32, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    answer { () throws(Failure) in
        guard let out else { throw Failure(.invalid, "out is NULL") }
        out.pointee = nil
        let gateway = try Argument.gateway(g)
        let log = UInt32(PUBSUBGW_QUEUE_LOG)
        try Argument.flags(flags, known: log)
        let queue = try gateway.makeQueue(takesLog: flags & log != 0)
        out.pointee = try HandleRegistry.add(queue, .queue)
        return 0
    }
}

@c @implementation
public func pubsubgw_queue_fd(_ q: OpaquePointer?) -> Int32 {
    answer { () throws(Failure) in try Argument.queue(q).descriptor }
}

@c @implementation
public func pubsubgw_queue_poll(
    _ q: OpaquePointer?, _ events: UnsafeMutablePointer<pubsubgw_event>?, _ max: Int32,
    _ event_size: Int
) -> Int32 {
    answer { () throws(Failure) in
        let queue = try Argument.queue(q)
        let array = try EventArray(events, max: max, stride: event_size)
        return try array.fill(from: queue)
    }
}

@c @implementation
public func pubsubgw_queue_wait(
    _ q: OpaquePointer?, _ events: UnsafeMutablePointer<pubsubgw_event>?, _ max: Int32,
    _ event_size: Int, _ timeout_ms: Int32
) -> Int32 {
    answer { () throws(Failure) in
        let queue = try Argument.queue(q)
        let array = try EventArray(events, max: max, stride: event_size)
        guard timeout_ms >= -1 else {
            throw Failure(.invalid, "timeout_ms is below -1 (\(timeout_ms))")
        }
        let ready = try array.fill(from: queue)
        if ready > 0 || timeout_ms == 0 { return ready }
        queue.wait(timeoutMilliseconds: timeout_ms)
        return try array.fill(from: queue)
    }
}

@c @implementation
public func pubsubgw_queue_destroy(_ q: OpaquePointer?) {
    end(q, Argument.queue) { $0.end() }
}

@c @implementation
public func pubsubgw_queue_wake_listen(
    _ q: OpaquePointer?, _ unix_path: UnsafePointer<CChar>?
) -> Int32 {
    answer { () throws(Failure) in
        let queue = try Argument.queue(q)
        try queue.wakeListen(path: try Argument.identifier(unix_path, "unix_path"))
        return 0
    }
}
