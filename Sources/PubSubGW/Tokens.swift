import CPubSubGW
import Runtime

@c @implementation
public func pubsubgw_token_on(
    _ g: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ q: OpaquePointer?
) -> Int32 {
    answer { () throws(Failure) in
        let gateway = try Argument.gateway(g)
        let queue = q == nil ? nil : try Argument.queue(q)
        try gateway.registerToken(try Argument.string(name, "name"), queue)
        return 0
    }
}

@c @implementation
public func pubsubgw_token_set(
    _ g: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ token: UnsafePointer<CChar>?,
    _ lifetime_ms: Int64, _ extensions_json: UnsafePointer<CChar>?
) -> Int32 {
    answer { () throws(Failure) in
        try Argument.gateway(g).setToken(
            try Argument.string(name, "name"), try Argument.string(token, "token"),
            lifeMilliseconds: lifetime_ms,
            extensionsJSON: try Argument.optionalString(extensions_json, "extensions_json"))
        return 0
    }
}

@c @implementation
public func pubsubgw_token_fail(
    _ g: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ reason: UnsafePointer<CChar>?
) -> Int32 {
    answer { () throws(Failure) in
        let text = try Argument.optionalString(reason, "reason") ?? "the host has none"
        try Argument.gateway(g).failToken(try Argument.string(name, "name"), reason: text)
        return 0
    }
}
