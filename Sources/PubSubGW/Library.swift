import CPubSubGW
import Runtime

@c @implementation
public func pubsubgw_version() -> UInt32 { Library.version }

@c @implementation
public func pubsubgw_check_version(_ header_version: UInt32) -> Int32 {
    do {
        try Library.check(header: header_version)
        return 0
    } catch {
        LastError.set(error.text)
        return error.status.rawValue
    }
}

@c @implementation
public func pubsubgw_has_feature(_ name: UnsafePointer<CChar>?) -> Int32 {
    guard let name = try? Argument.optionalString(name, "name") else { return 0 }
    return uncancelled { Feature.isAvailable(name) ? 1 : 0 }
}

@c @implementation
public func pubsubgw_error_name(_ code: Int32) -> UnsafePointer<CChar>? { StatusText.name(code) }

@c @implementation
public func pubsubgw_strerror(_ code: Int32) -> UnsafePointer<CChar>? {
    StatusText.sentence(code)
}

@c @implementation
public func pubsubgw_last_error() -> UnsafePointer<CChar>? { LastError.pointer }

@c @implementation
public func pubsubgw_free(_ p: UnsafeMutableRawPointer?) { release(p) }

@c @implementation
public func pubsubgw_set_log(
    _ level: Int32, _ fn: pubsubgw_log_fn?, _ arg: UnsafeMutableRawPointer?
) -> Int32 {
    do throws(Failure) {
        guard let level = HostLogLevel(rawValue: level) else {
            throw Failure(.invalid, "level is none of PUBSUBGW_LOG_* (0 off ... 4 debug): \(level)")
        }
        // Nothing logs in a forked child, where a thread that is not there may hold the lock.
        guard (try? ForkGuard.check()) != nil else { return 0 }
        try LogSink.shared.set(level: level, fn, arg)
        return 0
    } catch {
        LastError.set(error.text)
        return error.status.rawValue
    }
}
