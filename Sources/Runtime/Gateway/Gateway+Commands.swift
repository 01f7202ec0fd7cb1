import GatewayCore

// Commands of the host's own.
extension Gateway {
    /// `route` nil: all routes. `receiver` nil: takes the registration away.
    public func register(
        name: String, requestField: Int, responseField: Int, route: String?,
        _ receiver: CommandReceiver?
    ) throws(Failure) {
        if case .queue(let queue) = receiver { try mustOwn(queue) }
        try state.withLock { state throws(Failure) in
            if let receiver {
                try state.commands.put(
                    name: name, requestField: requestField, responseField: responseField,
                    route: route, receiver)
            } else if !state.commands.remove(requestField: requestField, route: route) {
                throw Failure(.invalid, "no command has the req_field \(requestField) there")
            }
            // Under the lock, so that the loops see the versions in order.
            let book = state.commands
            for loop in state.loops { loop.post { $0.setCommands(book) } }
        }
    }

    /// Once for each token.
    public func answer(token: UInt64, _ answer: HostAnswer) throws(Failure) {
        let token = HostToken(raw: token)
        if token.isJSON, case .message(let bytes) = answer,
            !bytes.withUnsafeBytes({ HostAnswer.isJSON($0) })
        {
            throw Failure(.invalid, "the client speaks JSON, and msg is no JSON value")
        }
        let loop = state.withLock { state in
            token.loop < state.loops.count ? state.loops[token.loop] : nil
        }
        guard let loop, loop.answer(token, answer) else {
            throw Failure(
                .gone, "the command was answered, has timed out, or its session has ended")
        }
    }
}
