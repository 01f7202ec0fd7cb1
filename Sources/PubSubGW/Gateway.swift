import CPubSubGW
import Runtime

@c @implementation
public func pubsubgw_new(
    _ config_json: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    answer { () throws(Failure) in
        guard let out else { throw Failure(.invalid, "out is NULL") }
        out.pointee = nil
        let json = try Argument.optionalString(
            config_json, "config_json", max: Argument.jsonBytesMax)
        let gateway = Gateway(settings: try RuntimeSettings(json: json))
        out.pointee = try HandleRegistry.add(gateway, .gateway)
        return 0
    }
}

@c @implementation
public func pubsubgw_start(_ g: OpaquePointer?) -> Int32 {
    answer { () throws(Failure) in
        try Argument.gateway(g).start()
        return 0
    }
}

@c @implementation
public func pubsubgw_drain(
    _ g: OpaquePointer?, _ ws_close_code: Int32, _ timeout_ms: Int32
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let timeout = try Argument.timeout(timeout_ms)
        try gateway.drain(closeCode: ws_close_code, timeoutMilliseconds: timeout)
        return 0
    }
}

@c @implementation
public func pubsubgw_stop(_ g: OpaquePointer?, _ timeout_ms: Int32) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        try gateway.stop(timeoutMilliseconds: try Argument.timeout(timeout_ms))
        return 0
    }
}

@c @implementation
public func pubsubgw_destroy(_ g: OpaquePointer?) {
    end(g, Argument.gateway) { $0.destroy() }
}
