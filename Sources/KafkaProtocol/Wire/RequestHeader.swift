import Bytes

/// What stands in front of every request, behind the frame's length.
public struct RequestHeader: Equatable, Sendable {
    public var apiKey: Int16
    public var apiVersion: Int16
    public var correlationID: Int32
    public var clientID: String?

    public init(apiKey: Int16, apiVersion: Int16, correlationID: Int32, clientID: String?) {
        self.apiKey = apiKey
        self.apiVersion = apiVersion
        self.correlationID = correlationID
        self.clientID = clientID
    }

    /// Header version 1, or version 2 in front of a flexible request. The client id is an ordinary
    /// nullable string in both, so that any broker can read it.
    public func encode(_ w: inout ByteWriter, flexible: Bool) {
        w.int16(apiKey)
        w.int16(apiVersion)
        w.int32(correlationID)
        w.nullableString(clientID, flexible: false)
        if flexible { w.noTags() }
    }
}
