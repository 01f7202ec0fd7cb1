/// What a peer did wrong. The connection is over: send a Close frame with `closeCode` and `text`,
/// then close the socket (RFC 6455 section 7.1.7).
public struct WebSocketError: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        case reservedBits
        case unknownOpcode(UInt8)
        case fragmentedControlFrame
        case controlFrameTooLong
        case notMasked
        case nonMinimalLength
        case messageTooBig(bytesMax: Int)
        case tooManyFragments
        case continuationWithoutStart
        case startInsideOfMessage
        case invalidUTF8
        case closePayloadOfOneByte
        case invalidCloseCode(UInt16)
        case closeReasonNotUTF8
        case invalidDeflateData
    }

    public let reason: Reason
    /// Bytes that the connection had received before the frame at fault began.
    public let frameOffset: UInt64

    public init(_ reason: Reason, frameOffset: UInt64) {
        self.reason = reason
        self.frameOffset = frameOffset
    }

    public var closeCode: CloseCode {
        switch reason {
        case .messageTooBig, .tooManyFragments: .messageTooBig
        case .invalidUTF8, .closeReasonNotUTF8, .invalidDeflateData: .invalidPayload
        default: .protocolError
        }
    }

    /// One line for the Close frame and the log; nothing of the payload is in it.
    public var text: String {
        switch reason {
        case .reservedBits: "reserved bits are set"
        case .unknownOpcode(let opcode): "unknown opcode \(opcode)"
        case .fragmentedControlFrame: "a control frame is fragmented"
        case .controlFrameTooLong: "a control frame has more than 125 bytes"
        case .notMasked: "a frame is not masked"
        case .nonMinimalLength: "a length is not in its shortest form"
        case .messageTooBig(let bytesMax): "the message has more than \(bytesMax) bytes"
        case .tooManyFragments: "the message has too many fragments"
        case .continuationWithoutStart: "a continuation without a message"
        case .startInsideOfMessage: "a message begins inside of another"
        case .invalidUTF8: "the text is not UTF-8"
        case .closePayloadOfOneByte: "a close frame with half of a code"
        case .invalidCloseCode(let code): "the close code \(code) is not allowed in a frame"
        case .closeReasonNotUTF8: "the close reason is not UTF-8"
        case .invalidDeflateData: "the compressed message cannot be inflated"
        }
    }
}
