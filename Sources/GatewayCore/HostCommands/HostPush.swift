/// A message that the host sends without a request.
public struct HostPush: Sendable {
    /// The field of the response.
    public var field: Int
    /// The bytes of its sub-message, or a JSON value where the session speaks JSON.
    public var message: [UInt8]

    public init(field: Int, message: [UInt8]) throws(HostCommandFault) {
        try HostCommand.check(field: field, "resp_field")
        self.field = field
        self.message = message
    }
}

extension HostCommandTable {
    /// Whether some command of the route's names the field for the JSON sub-protocols.
    public func names(responseField field: Int, route: String) -> Bool {
        commands(of: route).responseKey(field) != nil
    }
}
