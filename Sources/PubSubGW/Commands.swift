import CPubSubGW
import GatewayCore
import Runtime

@c @implementation
public func pubsubgw_command_on(
    _ g: OpaquePointer?, _ route_id: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?,
    _ req_field: UInt32, _ resp_field: UInt32, _ q: OpaquePointer?
) -> Int32 {
    answer { () throws(Failure) in
        let queue = q == nil ? nil : try Argument.queue(q)
        try register(g, route_id, name, req_field, resp_field, queue.map { .queue($0) })
        return 0
    }
}

@c @implementation
public func pubsubgw_command_on_fn(
    _ g: OpaquePointer?, _ route_id: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?,
    _ req_field: UInt32, _ resp_field: UInt32, _ fn: pubsubgw_command_fn?,
    _ arg: UnsafeMutableRawPointer?
) -> Int32 {
    answer { () throws(Failure) in
        let receiver = fn.map { fn in
            let function = CommandFunction(function: fn, argument: arg)
            return CommandReceiver.function { function.call($0) }
        }
        try register(g, route_id, name, req_field, resp_field, receiver)
        return 0
    }
}

private func register(
    _ g: OpaquePointer?, _ route_id: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?,
    _ req_field: UInt32, _ resp_field: UInt32, _ receiver: CommandReceiver?
) throws(Failure) {
    let gateway = try Argument.gateway(g)
    let route = route_id == nil ? nil : try Argument.identifier(route_id, "route_id")
    try gateway.register(
        name: try Argument.string(name, "name"), requestField: Int(req_field),
        responseField: Int(resp_field), route: route, receiver)
}

@c @implementation
public func pubsubgw_command_reply(
    _ g: OpaquePointer?, _ token: UInt64, _ msg: UnsafeRawPointer?, _ len: Int
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let message = try Argument.bytes(msg, len, "msg").map(Array.init) ?? []
        try gateway.answer(token: token, .message(message))
        return 0
    }
}

@c @implementation
public func pubsubgw_command_fail(
    _ g: OpaquePointer?, _ token: UInt64, _ code: Int32, _ message: UnsafePointer<CChar>?
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        guard code >= 0 else { throw Failure(.invalid, "code is negative (\(code))") }
        let text = try Argument.optionalString(message, "message") ?? "the command failed"
        try gateway.answer(token: token, .failure(code: code == 0 ? 10 : code, text: text))
        return 0
    }
}

/// A function of the host's, and what it wants to be called with. Sendable: the header says that
/// loops call it, and the argument is not looked into here.
private struct CommandFunction: @unchecked Sendable {
    let function: pubsubgw_command_fn
    /// The host's, only ever handed back to it.
    let argument: UnsafeMutableRawPointer?

    func call(_ event: QueueEvent) {
        let bytes = event.data?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        var raw = pubsubgw_event(event, bytes)
        function(argument, &raw)
        withExtendedLifetime(event) {}
    }
}
