import PubSubProtocol

/// A command of the host's own: APISIX's `pubsub:on`. Request and response are fields of the two
/// oneofs of the protocol.
public struct HostCommand: Equatable, Sendable {
    public let name: String
    public let requestField: Int
    public let responseField: Int
    /// Whom the driver hands the commands to.
    public let receiver: UInt64
    /// The key of the request in the JSON sub-protocols; the name itself is accepted too.
    public let requestKey: String
    /// The key of the reply there: `cmd_redis_get` is answered as `redisGetResp`.
    public let responseKey: String

    static let nameBytesMax = 64
    /// Names that start so can stand in the `commands` lists of routes and sessions.
    static let listedPrefix = "cmd_"

    public init(
        name: String, requestField: Int, responseField: Int, receiver: UInt64
    ) throws(HostCommandFault) {
        self.name = name
        self.requestField = requestField
        self.responseField = responseField
        self.receiver = receiver
        requestKey = ProtocolNames.camelCase(name)
        responseKey = ProtocolNames.camelCase(Self.stem(name) + "_resp")
        try Self.check(name)
        guard !ProtocolNames.request.contains(requestKey),
            !ProtocolNames.reply.contains(responseKey), CommandSet(name: name) == nil
        else { throw HostCommandFault("the name \"\(name)\" belongs to a command of the library") }
        try Self.check(field: requestField, "req_field")
        try Self.check(field: responseField, "resp_field")
    }

    static func check(field: Int, _ name: String) throws(HostCommandFault) {
        guard Command.isHost(field: field) else {
            throw HostCommandFault(
                "\(name) \(field) is none of 35 to 100 and 200 to 536870911 without 19000 to 19999"
            )
        }
    }

    /// Whether a `commands` list may hold the name.
    static func isListable(_ name: String) -> Bool {
        name.hasPrefix(listedPrefix) && (try? check(name)) != nil
            && !ProtocolNames.request.contains(ProtocolNames.camelCase(name))
    }

    private static func check(_ name: String) throws(HostCommandFault) {
        let isWellFormed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isWellFormed, (1...nameBytesMax).contains(name.utf8.count),
            let first = name.utf8.first, first >= UInt8(ascii: "a")
        else {
            throw HostCommandFault(
                "the name \"\(name.prefix(80))\" is not a letter of a-z and up to"
                    + " \(nameBytesMax - 1) of a-z, 0-9, \"_\"")
        }
    }

    private static func stem(_ name: String) -> Substring {
        name.hasPrefix(listedPrefix) && name.count > listedPrefix.count
            ? name.dropFirst(listedPrefix.count) : Substring(name)
    }
}

/// Why a command cannot be registered, or a push not be sent.
public struct HostCommandFault: Error, Equatable, Sendable {
    public let text: String

    init(_ text: String) { self.text = text }
}
