extension ControlCommands {
    /// {"do": "inject", "action": "error", "code": 6, "api": 1, "topic": "t", "times": 2}
    func inject(_ a: ControlArguments) throws(Refusal) {
        let key = try a.optionalInt32("api").map { Int16(clamping: $0) }
        cluster.inject(
            Fault(
                try action(a), apiKey: key, broker: try a.optionalInt32("broker"),
                topic: try a.optionalString("topic"), partition: try a.optionalInt32("partition"),
                times: Int(try a.int32("times", 1))))
    }

    private func action(_ a: ControlArguments) throws(Refusal) -> Fault.Action {
        switch try a.string("action") {
        case "error": .error(Int16(clamping: try a.int32("code")))
        case "error-after": .errorAfter(Int16(clamping: try a.int32("code")))
        case "delay": .delay(milliseconds: try a.int64("milliseconds"))
        case "throttle": .throttle(milliseconds: try a.int32("milliseconds"))
        case "silence": .silence
        case "close": .close
        case "cut": .cut(bytes: Int(try a.int32("bytes")))
        case "wrong-correlation": .wrongCorrelation
        case "damage": .damage(try damage(a))
        case let other:
            throw Refusal(
                "inject: \"action\": \"\(other)\" is not one of error, error-after, delay, "
                    + "throttle, silence, close, cut, wrong-correlation, damage")
        }
    }

    private func damage(_ a: ControlArguments) throws(Refusal) -> RecordDamage {
        let name = try a.string("how")
        guard let damage = RecordDamage(rawValue: name) else {
            let known = RecordDamage.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal("inject: \"how\": \"\(name)\" is not one of \(known)")
        }
        return damage
    }
}
