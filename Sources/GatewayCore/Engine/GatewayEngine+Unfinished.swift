import Timing

/// What a client has begun and not ended: a frame, or a fragmented message. It has one deadline
/// from its first byte to its last, however often something comes in between: a byte now and then
/// must not keep memory and a slot for ever.
extension GatewayEngine {
    /// After input: puts up the deadline of what has begun.
    func watchUnfinished(_ session: Session) {
        guard session.connection.isInsideOfMessage else {
            session.unfinishedSince = nil
            return
        }
        guard session.unfinishedSince == nil, session.phase == .open else { return }
        session.unfinishedSince = now
        schedule(session)
    }

    /// A whole control frame is no part of the message around it.
    func endedControl(_ session: Session) {
        if !session.connection.isInsideOfData { session.unfinishedSince = nil }
    }

    /// A client that is not read from cannot end anything; but memory that many of them hold has to
    /// be given back. Whether such a client is still there nobody knows: its end comes behind what
    /// was not read.
    func unfinishedEnd(_ session: Session) -> Instant {
        guard let since = session.unfinishedSince else { return .distantFuture }
        if session.waitsForMemory {
            return session.memoryWaitBegan.adding(milliseconds: Self.memoryWaitMilliseconds)
        }
        let limit = session.limits.messageMilliseconds
        guard limit > 0, !session.isHeld else { return .distantFuture }
        return since.adding(milliseconds: limit)
    }

    /// How long who is in the middle of a message is stopped for memory: all of it may be held by
    /// such as wait for each other.
    static let memoryWaitMilliseconds: Int64 = 5_000

    func closeUnfinished(_ session: Session) {
        if session.waitsForMemory {
            return close(session, .overLimit, "no memory for the message that has begun")
        }
        counts.limitHits["message_ms", default: 0] += 1
        close(
            session, .idle,
            "a message did not end within \(session.limits.messageMilliseconds) ms")
    }
}
