/// A `commands` list of a route or a session: what it does not name is not allowed.
struct CommandList: Equatable {
    var commands: CommandSet = []
    /// Names of commands of the host's. They may be registered later, or never.
    var hostCommands: Set<String> = []

    static func parse(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> CommandList? {
        guard let names = try reader.strings("commands") else { return nil }
        var list = CommandList()
        for (name, place) in names {
            if let command = CommandSet(name: name) {
                list.commands.insert(command)
            } else if HostCommand.isListable(name) {
                list.hostCommands.insert(name)
            } else {
                // A slip of the pen must not pass for a command of the host's: hence the prefix.
                let known = CommandSet.names.map(\.name).joined(separator: ", ")
                throw reader.fault(
                    "commands",
                    "unknown command \"\(name)\" (known: \(known), and cmd_... of the host's)",
                    at: place)
            }
        }
        return list
    }
}
