import GatewayCore

// Messages of the host's own, without a request.
extension Gateway {
    public func push(
        session id: UInt64, field: UInt32, _ message: UnsafeRawBufferPointer
    ) throws(Failure) {
        let push: HostPush
        do {
            push = try HostPush(field: Int(field), message: Array(message))
        } catch {
            throw Failure(.invalid, error.text)
        }
        let session = try session(id)
        if let route = session.budget.routeOfJSON {
            guard
                state.withLock({ $0.commands.table.names(responseField: Int(field), route: route) })
            else {
                throw Failure(
                    .invalid, "the client speaks JSON, and no command names resp_field \(field)")
            }
            guard HostAnswer.isJSON(message) else {
                throw Failure(.invalid, "the client speaks JSON, and msg is no JSON value")
            }
        }
        guard session.budget.take(message.count, waiting: session.pipe?.waitingBytes ?? 0) else {
            throw Failure(.full, "the client has too much waiting already (limits.unsent_bytes)")
        }
        guard loop(of: id)?.post({ $0.push(session, push) }) == true else { throw Self.gone(id) }
    }
}
