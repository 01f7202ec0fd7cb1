import GatewayCore

extension Rig {
    /// Registers commands by name, request field and response field.
    func register(_ commands: (String, Int, Int)..., route: String? = nil) throws {
        for (name, request, response) in commands {
            try hostCommands.put(
                HostCommand(
                    name: name, requestField: request, responseField: response,
                    receiver: UInt64(request)),
                route: route)
        }
        engine.setHostCommands(hostCommands, now: now)
        settle()
    }

    func answer(_ call: HostCall, _ text: String) {
        answer(call.token, .message(Array(text.utf8)))
    }

    func answer(_ token: HostToken, _ answer: HostAnswer) {
        engine.answer(token, answer, now: now)
        settle()
    }

    /// Commands that the host was given since the last call.
    func takeCalls() -> [HostCall] {
        defer { calls = [] }
        return calls
    }
}

extension HostCall {
    var text: String { String(decoding: payload, as: UTF8.self) }
}

extension Request {
    static func host(_ sequence: Int64?, _ field: Int, _ payload: String = "") -> [UInt8] {
        make(sequence) { $0.string(field, payload) }
    }
}
