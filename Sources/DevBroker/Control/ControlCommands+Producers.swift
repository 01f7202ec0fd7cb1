extension ControlCommands {
    func runOnProducers(_ a: ControlArguments) throws(Refusal) {
        switch a.command {
        case "forget-producers":
            try found(
                cluster.forgetProducers(try a.string("topic"), try a.int32("partition", 0)), a)
        case "delay-markers": cluster.delayMarkers(milliseconds: try a.int64("milliseconds"))
        case "set-transaction-version":
            let level = try a.int32("level")
            guard cluster.setTransactionVersion(Int16(clamping: level)) else {
                throw Refusal("set-transaction-version: the release has no level \(level)")
            }
        case "set-quota": try setQuota(a)
        default: throw Refusal("\"do\": \"\(a.command)\" is not a command")
        }
    }

    private func setQuota(_ a: ControlArguments) throws(Refusal) {
        let rate = try a.optionalInt64("per_second")
        if let rate, rate <= 0 { throw Refusal("set-quota: \"per_second\" has to be over 0") }
        switch try a.string("kind") {
        case "produce": cluster.setProduceQuota(bytesPerSecond: rate.map { Double($0) })
        case "request": cluster.setRequestQuota(perSecond: rate.map { Double($0) })
        case let other: throw Refusal("set-quota: \"kind\": \"\(other)\" is not produce or request")
        }
    }
}
