import JSON

/// Names one command that waits for the host's answer. Below 2^53, and not used again for 2^44
/// further commands of its loop.
public struct HostToken: Hashable, Sendable {
    public let raw: UInt64

    /// Bits of a token that name its loop, and the bit that says that the session speaks JSON.
    private static let loopBits: UInt64 = 8
    private static let formatBit: UInt64 = 1 << loopBits
    private static let numberBits: UInt64 = 44

    public init(raw: UInt64) { self.raw = raw }

    init(number: UInt64, loop: Int, isJSON: Bool) {
        let number = number & (1 << Self.numberBits - 1)
        raw =
            number << (Self.loopBits + 1) | (isJSON ? Self.formatBit : 0)
            | UInt64(loop) & (Self.formatBit - 1)
    }

    public var loop: Int { Int(raw & (Self.formatBit - 1)) }
    /// The answer has to be a JSON value.
    public var isJSON: Bool { raw & Self.formatBit != 0 }
}

/// A client's command on its way to the host.
public struct HostCall: Equatable, Sendable {
    public var token: HostToken
    public var session: SessionID
    public var userData: UInt64
    public var sequence: Int64
    public var command: HostCommand
    /// The sub-message's bytes, or the JSON value.
    public var payload: [UInt8]
}

/// What the host has to say to a command.
public enum HostAnswer: Equatable, Sendable {
    /// The bytes of the response's sub-message, or a JSON value where the session speaks JSON.
    case message([UInt8])
    /// Becomes an ErrorResp.
    case failure(code: Int32, text: String)
    /// Nobody takes the command.
    case noReceiver

    /// Whether bytes are one JSON value and nothing else.
    public static func isJSON(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = JSONReader(bytes)
        do {
            try reader.skipValue()
            try reader.end()
            return true
        } catch {
            return false
        }
    }
}
