/// The host's commands of one route: its own, and those for all routes.
final class HostCommandSet: Sendable {
    let byRequestField: [Int: HostCommand]
    /// The requests' JSON keys, in both spellings.
    let requestFields: [String: Int]
    /// What a reply or a push of that field is called in JSON. Of several commands with one
    /// response field, the one with the smallest request field names it.
    private let responseKeys: [Int: String]

    static let none = HostCommandSet([])

    init(_ commands: [HostCommand]) {
        var byRequestField: [Int: HostCommand] = [:]
        var requestFields: [String: Int] = [:]
        var responseKeys: [Int: String] = [:]
        for command in commands.sorted(by: { $0.requestField < $1.requestField }) {
            byRequestField[command.requestField] = command
            requestFields[command.name] = command.requestField
            requestFields[command.requestKey] = command.requestField
            if responseKeys[command.responseField] == nil {
                responseKeys[command.responseField] = command.responseKey
            }
        }
        self.byRequestField = byRequestField
        self.requestFields = requestFields
        self.responseKeys = responseKeys
    }

    func responseKey(_ field: Int) -> String? { responseKeys[field] }
}
