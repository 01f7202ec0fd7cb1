import KafkaCore
import Timing
import WebSocketProtocol

/// Sessions whose host owns WebSocket: whole messages come in. What goes out is framed as for
/// everybody (without a mask, without compression), for the driver to take apart again: where a
/// message ends is written in one place only.
extension GatewayEngine {
    /// A whole message of the client, as text or binary.
    public func message(
        _ id: SessionID, isText: Bool, _ payload: UnsafeRawBufferPointer, now: Instant
    ) {
        self.now = now
        guard let session = sessions[id], session.phase == .open else { return }
        session.bytesIn += Int64(payload.count)
        counts.bytesIn &+= UInt64(payload.count)
        counts.messagesIn &+= 1
        session.keepalive.received(now)
        session.lastMessage = now
        guard payload.count <= session.limits.messageBytes else {
            return close(
                session, .messageTooBig,
                "a message of more than \(session.limits.messageBytes) bytes")
        }
        session.isConsuming = true
        handleMessage(session, isText ? .text : .binary, payload)
        session.isConsuming = false
        guard session.phase == .open else { return }
        if mustPause(session) { pauseReading(session) } else if isTurnOver { waitForTurn(session) }
    }

    /// The client has closed its WebSocket; `code` nil: without a code.
    public func peerClosed(_ id: SessionID, code: UInt16?, reason: String, now: Instant) {
        self.now = now
        guard let session = sessions[id] else { return }
        if session.closeCode == 0 { session.closeCode = code ?? 1005 }
        if session.closeReason.isEmpty { session.closeReason = reason }
        end(session, lingers: false)
    }
}
