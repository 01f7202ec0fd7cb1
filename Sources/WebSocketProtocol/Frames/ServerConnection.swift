import Bytes

/// The server's side of one WebSocket connection after the upgrade: frames in, events out.
///
/// Pull style: a driver hands over what it received and calls `next` until it answers nil. Frames
/// that lie whole in the input are unmasked there and lent to the caller; only what a read cut off
/// is copied, to memory that is given back when the message is over: an idle connection has none.
///
/// After a throw, or after the peer's Close frame, all further input is ignored.
public struct ServerConnection: ~Copyable {
    public let limits: FrameLimits
    let deflate: DeflateCodec?

    /// The frame whose payload is under way.
    var frame = PartialFrame()
    var message = PartialMessage()
    /// The start of a frame that the last input cut off: header bytes, or the payload of a control
    /// frame. At most 125 bytes.
    var carry = ByteWriter()
    /// The header of a control frame whose payload is not complete.
    var control: FrameHeader?

    /// Set: who asks for the next message refuses it whatever it says, and gets so much of it, if
    /// it is compressed. What follows is neither inflated nor checked.
    public var inflatesUpTo: Int?

    private var receivedBytes: UInt64 = 0
    private var frameOffset: UInt64 = 0
    /// The last event lies in `message` or `carry`.
    var isLending = false
    private var isOver = false

    public private(set) var isCloseReceived = false
    public private(set) var isCloseSent = false

    /// - `deflate`: the loop's codec when permessage-deflate was agreed on, nil when not.
    public init(limits: FrameLimits = FrameLimits(), deflate: DeflateCodec? = nil) {
        self.limits = limits
        self.deflate = deflate
    }

    /// The next event, or nil when the input is used up.
    public mutating func next(
        _ input: inout MutableInput
    ) throws(WebSocketError) -> Event? {
        if isLending { takeBack() }
        do throws(FrameFault) {
            if !isOver && !isCloseSent, let event = try shortMessage(&input) { return event }
            // What was complete has been told.
            if input.isAtEnd && !isOver { return nil }
            while !isOver, let event = try step(&input) {
                if case .close = event {
                    isCloseReceived = true
                    isOver = true
                    return event
                }
                if !isCloseSent { return event }
                // Moot after our Close frame.
                if isLending { takeBack() }
            }
        } catch {
            isOver = true
            discard()
            throw WebSocketError(error.reason, frameOffset: frameOffset)
        }
        if isOver {
            discard()
            _ = input.take(input.remaining)
        }
        return nil
    }

    /// Whether the peer began something that it has not ended; a driver gives it a deadline.
    public var isInsideOfMessage: Bool {
        message.opcode != nil || control != nil || !carry.isEmpty
    }

    /// Whether that is a data message: control frames may come and go inside of it.
    public var isInsideOfData: Bool { message.opcode != nil }

    /// Memory that the connection holds beside itself.
    public var heldBytes: Int { message.buffer.allocatedBytes + carry.allocatedBytes }

    /// Whether both sides have said Close: the socket may be closed.
    public var isClosed: Bool { isCloseReceived && isCloseSent }

    /// Writes a Close frame, unless one was written before. Answers whether it did.
    @discardableResult
    public mutating func close(
        _ code: CloseCode?, reason: String = "", into output: inout ByteWriter
    ) -> Bool {
        guard !isCloseSent else { return false }
        isCloseSent = true
        // Of the message under way nothing is wanted any more.
        if !isLending { message.buffer = ByteWriter() }
        FrameWriter.close(code, reason: reason, into: &output)
        return true
    }

    /// What the protocol asks for by itself: a pong for a ping, and the peer's own code and reason
    /// for its Close (RFC 6455 sections 5.5.1 and 5.5.2).
    public mutating func answer(_ event: Event, into output: inout ByteWriter) {
        guard !isCloseSent else { return }
        switch event {
        case .ping(let payload): FrameWriter.frame(.pong, payload, into: &output)
        case .close(let code, let reason):
            isCloseSent = true
            FrameWriter.header(
                .close, length: code == nil ? 0 : 2 + reason.count, into: &output)
            if let code {
                output.uint16(code.rawValue)
                output.bytes(reason)
            }
        case .message, .pong: break
        }
    }

    /// The next byte of input begins a frame.
    mutating func beginFrameOffset() { frameOffset = receivedBytes }

    @inline(__always)
    mutating func skip(_ count: Int, in input: inout MutableInput) {
        receivedBytes &+= UInt64(count)
        input.position += count
    }

    @inline(__always)
    mutating func take(
        _ count: Int, from input: inout MutableInput
    ) -> UnsafeMutableRawBufferPointer {
        receivedBytes &+= UInt64(count)
        return input.take(count)
    }

    private mutating func takeBack() {
        isLending = false
        if message.opcode == nil || isCloseSent { message.buffer = ByteWriter() }
        if control == nil { carry = ByteWriter() }
    }

    private mutating func discard() {
        isLending = false
        message = PartialMessage()
        carry = ByteWriter()
        control = nil
    }
}
