/// What goes wrong on command.
extension BrokerCluster {
    /// Adds a fault behind those that are there.
    public func inject(_ fault: Fault) { faults.append(StandingFault(fault)) }

    /// Takes all faults away.
    public func clearFaults() { faults.removeAll() }

    /// The first fault of each kind that fits a request. Errors are used up by who answers with
    /// them, as their topic may not be in the request.
    func takeFaults(_ context: RequestContext) {
        guard !faults.isEmpty else { return }
        faults.removeAll { $0.remaining <= 0 }
        for standing in faults
        where standing.fault.fits(apiKey: context.header.apiKey, broker: context.broker.id) {
            switch standing.fault.action {
            case .error(let code):
                if context.injected == nil { context.injected = (standing, code) }
                continue
            case .errorAfter(let code):
                if context.injectedAfter == nil { context.injectedAfter = (standing, code) }
                continue
            case .damage(let damage):
                if context.damage == nil { context.damage = (standing, damage) }
                continue
            case .delay(let milliseconds):
                guard context.delayMilliseconds == 0 else { continue }
                context.delayMilliseconds = milliseconds
            case .throttle(let milliseconds):
                guard context.throttleMilliseconds == 0 else { continue }
                context.throttleMilliseconds = milliseconds
            default:
                guard context.transportFault == nil else { continue }
                context.transportFault = standing.fault.action
            }
            standing.remaining -= 1
        }
    }
}

/// A fault and how many requests it still hits.
final class StandingFault {
    let fault: Fault
    var remaining: Int

    init(_ fault: Fault) {
        self.fault = fault
        remaining = fault.times
    }
}
