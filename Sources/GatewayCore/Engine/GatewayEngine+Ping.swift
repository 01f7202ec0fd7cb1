import PubSubProtocol
import WebSocketProtocol

extension GatewayEngine {
    /// Answers a ping whose reply is the message itself, if that is what it is and nothing has to
    /// go out before. A client that only asks whether we are there costs little more than an echo.
    @inline(__always)
    func answerPlainPing(_ session: Session, _ payload: UnsafeRawBufferPointer) -> Bool {
        guard session.format == .binary, session.deflate == nil,
            session.desk?.queue.isEmpty ?? true,
            session.access?.commands.contains(.ping) ?? true, PlainPing.matches(payload)
        else { return false }
        tally.addPing()
        counts.messagesOut &+= 1
        addRaw(session) { FrameWriter.frame(.binary, payload, into: &$0) }
        return true
    }
}
