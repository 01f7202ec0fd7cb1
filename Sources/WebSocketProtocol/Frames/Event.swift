/// What a peer sent. The bytes are valid until the next call of the connection (and of the
/// `DeflateCodec` that it shares with others).
public enum Event {
    /// A whole message: `.text`, which is valid UTF-8, or `.binary`.
    case message(Opcode, UnsafeRawBufferPointer)
    /// Answer it with a pong of the same payload.
    case ping(UnsafeRawBufferPointer)
    case pong(UnsafeRawBufferPointer)
    /// The peer's Close frame: nothing that follows it is looked at. The code is nil when the frame
    /// was empty; the reason is valid UTF-8.
    case close(CloseCode?, reason: UnsafeRawBufferPointer)
}
