import GatewayCore

/// The host's commands and who takes them, at one moment. A value that loops take over as a whole.
struct CommandBook: Sendable {
    private(set) var table = HostCommandTable()
    private(set) var receivers: [UInt64: CommandReceiver] = [:]
    private var made: UInt64 = 0

    mutating func put(
        name: String, requestField: Int, responseField: Int, route: String?,
        _ receiver: CommandReceiver
    ) throws(Failure) {
        do {
            let command = try HostCommand(
                name: name, requestField: requestField, responseField: responseField,
                receiver: made + 1)
            try table.put(command, route: route)
        } catch {
            throw Failure(.invalid, error.text)
        }
        made += 1
        receivers[made] = receiver
        prune()
    }

    /// False: there was none.
    mutating func remove(requestField: Int, route: String?) -> Bool {
        guard table.remove(requestField: requestField, route: route) else { return false }
        prune()
        return true
    }

    private mutating func prune() {
        let named = table.receivers
        receivers = receivers.filter { named.contains($0.key) }
    }
}
