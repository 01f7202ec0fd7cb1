import CPubSubGW
import Runtime

@c @implementation
public func pubsubgw_session_adopt_fd(
    _ g: OpaquePointer?, _ fd: Int32, _ open: UnsafePointer<pubsubgw_open>?,
    _ out: UnsafeMutablePointer<pubsubgw_session>?
) -> Int32 {
    answer { () throws(Failure) in
        out?.pointee = 0
        let gateway = try Argument.gateway(g)
        try gateway.adopt(descriptor: fd, try ClientOpening(open)) { out?.pointee = $0 }
        return 0
    }
}

@c @implementation
public func pubsubgw_listen(
    _ g: OpaquePointer?, _ address: UnsafePointer<CChar>?, _ mode: Int32
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let address = try ListenAddress(try Argument.string(address, "address"), mode: mode)
        return try gateway.listen(address)
    }
}

@c @implementation
public func pubsubgw_session_open_bytes(
    _ g: OpaquePointer?, _ open: UnsafePointer<pubsubgw_open>?,
    _ out: UnsafeMutablePointer<pubsubgw_session>?
) -> Int32 {
    openPipe(.bytes, g, open, out)
}

@c @implementation
public func pubsubgw_session_feed(
    _ g: OpaquePointer?, _ s: pubsubgw_session, _ data: UnsafeRawPointer?, _ len: Int
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let bytes = try Argument.bytes(data, len, "data")
        return try gateway.feed(session: s, bytes ?? .init(start: nil, count: 0)).status
    }
}

@c @implementation
public func pubsubgw_session_output(
    _ g: OpaquePointer?, _ s: pubsubgw_session, _ out: UnsafeMutablePointer<pubsubgw_slice>?,
    _ max: Int32
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        guard let out else { throw Failure(.invalid, "out is NULL") }
        guard max >= 1 else { throw Failure(.invalid, "max is \(max)") }
        let count = try gateway.output(session: s, max: Int(max)) { index, bytes in
            out[index] = pubsubgw_slice(data: bytes.baseAddress, len: bytes.count)
        }
        return Int32(clamping: count)
    }
}

@c @implementation
public func pubsubgw_session_consume(
    _ g: OpaquePointer?, _ s: pubsubgw_session, _ len: Int
) -> Int32 {
    answer { () throws(Failure) in
        try Argument.gateway(g).consume(session: s, len) ? 1 : 0
    }
}

@c @implementation
public func pubsubgw_session_open_messages(
    _ g: OpaquePointer?, _ open: UnsafePointer<pubsubgw_open>?,
    _ out: UnsafeMutablePointer<pubsubgw_session>?
) -> Int32 {
    openPipe(.messages, g, open, out)
}

private func openPipe(
    _ kind: HostPipe.Kind, _ g: OpaquePointer?, _ open: UnsafePointer<pubsubgw_open>?,
    _ out: UnsafeMutablePointer<pubsubgw_session>?
) -> Int32 {
    answer { () throws(Failure) in
        out?.pointee = 0
        let gateway = try Argument.gateway(g)
        guard let out else { throw Failure(.invalid, "out is NULL") }
        try gateway.openPipe(kind, try ClientOpening(open)) { out.pointee = $0 }
        return 0
    }
}

@c @implementation
public func pubsubgw_session_message(
    _ g: OpaquePointer?, _ s: pubsubgw_session, _ opcode: Int32, _ data: UnsafeRawPointer?,
    _ len: Int
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let bytes = try Argument.bytes(data, len, "data") ?? .init(start: nil, count: 0)
        return try gateway.message(session: s, opcode: opcode, bytes).status
    }
}

@c @implementation
public func pubsubgw_session_push(
    _ g: OpaquePointer?, _ s: pubsubgw_session, _ resp_field: UInt32, _ msg: UnsafeRawPointer?,
    _ len: Int
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let bytes = try Argument.bytes(msg, len, "msg") ?? .init(start: nil, count: 0)
        try gateway.push(session: s, field: resp_field, bytes)
        return 0
    }
}

@c @implementation
public func pubsubgw_session_close(
    _ g: OpaquePointer?, _ s: pubsubgw_session, _ ws_code: Int32, _ reason: UnsafePointer<CChar>?
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let reason = try Argument.optionalString(reason, "reason") ?? ""
        try gateway.close(session: s, code: ws_code, reason: reason)
        return 0
    }
}

@c @implementation
public func pubsubgw_session_forget(_ g: OpaquePointer?, _ s: pubsubgw_session) -> Int32 {
    answer { () throws(Failure) in
        try Argument.gateway(g).forget(session: s)
        return 0
    }
}

@c @implementation
public func pubsubgw_open_check(
    _ g: OpaquePointer?, _ open: UnsafePointer<pubsubgw_open>?,
    _ protocol: UnsafeMutablePointer<CChar>?, _ cap: Int
) -> Int32 {
    answer { () throws(Failure) in
        switch try Argument.gateway(g).check(opening: try ClientOpening(open)) {
        case .success(let subprotocol):
            if let `protocol` { _ = try write(subprotocol ?? "", to: `protocol`, cap, "cap") }
            return 0
        case .failure(let refusal):
            LastError.set(refusal.text)
            return Int32(clamping: refusal.status)
        }
    }
}

@c @implementation
public func pubsubgw_handshake(
    _ websocket_key: UnsafePointer<CChar>?, _ protocol: UnsafePointer<CChar>?,
    _ buf: UnsafeMutablePointer<CChar>?, _ cap: Int
) -> Int32 {
    answer { () throws(Failure) in
        let text = try Handshake.text(
            key: try Argument.string(websocket_key, "websocket_key"),
            subprotocol: try Argument.optionalString(`protocol`, "protocol"))
        guard let buf else { throw Failure(.invalid, "buf is NULL") }
        return try write(text, to: buf, cap, "cap")
    }
}

extension Gateway.Taken {
    fileprivate var status: Int32 {
        Int32((pauses ? PUBSUBGW_PAUSE : 0) | (hasOutput ? PUBSUBGW_OUTPUT : 0))
    }
}

extension ClientOpening {
    init(_ pointer: UnsafePointer<pubsubgw_open>?) throws(Failure) {
        guard let pointer else { throw Failure(.invalid, "open is NULL") }
        let open = try SizedStruct.read(pointer, pubsubgw_open(), name: "pubsubgw_open")
        let known = UInt32(
            PUBSUBGW_OPEN_DUP_FD | PUBSUBGW_OPEN_BORROW_FD | PUBSUBGW_OPEN_NO_CLOSED_EVENT
                | PUBSUBGW_OPEN_TELL_OUTPUT)
        try Argument.flags(open.flags, known: known)
        self.init(
            duplicates: open.flags & UInt32(PUBSUBGW_OPEN_DUP_FD) != 0,
            borrows: open.flags & UInt32(PUBSUBGW_OPEN_BORROW_FD) != 0,
            tellsClosed: open.flags & UInt32(PUBSUBGW_OPEN_NO_CLOSED_EVENT) == 0,
            tellsByReturn: open.flags & UInt32(PUBSUBGW_OPEN_TELL_OUTPUT) != 0,
            routeID: try Argument.optionalString(open.route_id, "route_id"),
            host: try Argument.optionalString(open.host, "host"),
            uri: try Argument.optionalString(open.uri, "uri"),
            origin: try Argument.optionalString(open.origin, "origin"),
            remoteAddress: try Argument.optionalString(open.remote_addr, "remote_addr"),
            requestHead: try Argument.bytes(
                open.request_head, open.request_head_len, "request_head"
            ).map(Array.init),
            websocketKey: try Argument.optionalString(open.websocket_key, "websocket_key"),
            websocketProtocol: try Argument.optionalString(
                open.websocket_protocol, "websocket_protocol"),
            websocketExtensions: try Argument.optionalString(
                open.websocket_extensions, "websocket_extensions"),
            policyJSON: try Argument.optionalString(
                open.policy_json, "policy_json", max: Argument.jsonBytesMax),
            preread: try Argument.bytes(open.preread, open.preread_len, "preread").map(Array.init)
                ?? [],
            queue: open.queue == nil ? nil : try Argument.queue(open.queue),
            userData: open.user_data)
    }
}
