import CPubSubGW
import Runtime

@c @implementation
public func pubsubgw_route_check(_ json: UnsafePointer<CChar>?, _ len: Int) -> Int32 {
    answer { () throws(Failure) in told(try Gateway.check(route: try Argument.json(json, len))) }
}

@c @implementation
public func pubsubgw_upstream_check(_ json: UnsafePointer<CChar>?, _ len: Int) -> Int32 {
    answer { () throws(Failure) in told(try Gateway.check(upstream: try Argument.json(json, len))) }
}

private func told(_ notes: [String]) -> Int32 {
    LastError.set(notes.joined(separator: "\n"))
    return Int32(clamping: notes.count)
}

@c @implementation
public func pubsubgw_route_put(
    _ g: OpaquePointer?, _ id: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?, _ len: Int
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let id = id == nil ? nil : try Argument.identifier(id, "id")
        try gateway.put(route: try Argument.json(json, len), id: id)
        return 0
    }
}

@c @implementation
public func pubsubgw_route_delete(
    _ g: OpaquePointer?, _ id: UnsafePointer<CChar>?, _ flags: UInt32
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let close = UInt32(PUBSUBGW_CLOSE_SESSIONS)
        try Argument.flags(flags, known: close)
        let id = try Argument.identifier(id, "id")
        try gateway.remove(route: id, closingSessions: flags & close != 0)
        return 0
    }
}

@c @implementation
public func pubsubgw_upstream_put(
    _ g: OpaquePointer?, _ id: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?, _ len: Int
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let id = id == nil ? nil : try Argument.identifier(id, "id")
        try gateway.put(upstream: try Argument.json(json, len), id: id)
        return 0
    }
}

@c @implementation
public func pubsubgw_upstream_delete(
    _ g: OpaquePointer?, _ id: UnsafePointer<CChar>?
) -> Int32 {
    answer { () throws(Failure) in
        try Argument.gateway(g).remove(upstream: try Argument.identifier(id, "id"))
        return 0
    }
}

@c @implementation
public func pubsubgw_route_match(
    _ g: OpaquePointer?, _ host: UnsafePointer<CChar>?, _ uri: UnsafePointer<CChar>?,
    _ id: UnsafeMutablePointer<CChar>?, _ id_cap: Int
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let host = try Argument.optionalString(host, "host")
        let found = try gateway.match(host: host, uri: try Argument.string(uri, "uri"))
        guard let id else { return Int32(clamping: found.utf8.count) }
        return try write(found, to: id, id_cap, "id_cap")
    }
}

@c @implementation
public func pubsubgw_routes_json(
    _ g: OpaquePointer?, _ len: UnsafeMutablePointer<Int>?
) -> UnsafeMutablePointer<CChar>? {
    answerText(len) { () throws(Failure) in try Argument.gateway(g).routesJSON }
}
