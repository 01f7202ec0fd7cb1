/// All commands of the host's own at one moment. A value that loops take over as a whole.
public struct HostCommandTable: Sendable {
    /// By request field.
    private var general: [Int: HostCommand] = [:]
    private var own: [String: [Int: HostCommand]] = [:]
    /// Made from the two.
    private var generalSet = HostCommandSet.none
    private var sets: [String: HostCommandSet] = [:]

    public init() {}

    /// Adds a command, in the place of the one with its request field if there is one. `route`
    /// nil: for all routes that have no command of their own with the same field or name.
    public mutating func put(
        _ command: HostCommand, route: String?
    ) throws(HostCommandFault) {
        if let route, !RouteTable.isIdentifier(route) {
            throw HostCommandFault("route_id: \(RouteTable.identifierRule)")
        }
        var commands = route.map { own[$0, default: [:]] } ?? general
        commands[command.requestField] = nil
        let rival = commands.values.first {
            $0.requestKey == command.requestKey || $0.responseKey == command.responseKey
        }
        if let rival {
            throw HostCommandFault(
                "the name \"\(command.name)\" is that of req_field \(rival.requestField)"
                    + " (\"\(rival.name)\") already")
        }
        commands[command.requestField] = command
        replace(commands, route)
    }

    /// False: there is none.
    public mutating func remove(requestField: Int, route: String?) -> Bool {
        var commands = route.map { own[$0, default: [:]] } ?? general
        guard commands.removeValue(forKey: requestField) != nil else { return false }
        replace(commands, route)
        return true
    }

    /// The receivers that are still named.
    public var receivers: Set<UInt64> {
        Set(general.values.map(\.receiver)).union(own.values.flatMap { $0.values.map(\.receiver) })
    }

    func commands(of route: String) -> HostCommandSet {
        sets.isEmpty ? generalSet : sets[route] ?? generalSet
    }

    private mutating func replace(_ commands: [Int: HostCommand], _ route: String?) {
        if let route {
            own[route] = commands.isEmpty ? nil : commands
        } else {
            general = commands
        }
        generalSet = HostCommandSet(Array(general.values))
        sets = own.mapValues { HostCommandSet(Self.merged($0, general)) }
    }

    private static func merged(
        _ own: [Int: HostCommand], _ general: [Int: HostCommand]
    ) -> [HostCommand] {
        var names = Set(own.values.map(\.requestKey))
        names.formUnion(own.values.map(\.responseKey))
        let others = general.values.filter {
            own[$0.requestField] == nil && !names.contains($0.requestKey)
                && !names.contains($0.responseKey)
        }
        return own.values + others
    }
}
