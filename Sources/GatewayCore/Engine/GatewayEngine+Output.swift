import Bytes
import PubSubProtocol
import Timing
import WebSocketProtocol

extension GatewayEngine {
    /// From this size on a message is compressed where that was agreed; smaller ones grow.
    static let compressedBytesMin = 256

    /// A whole reply.
    func sendReply(
        _ session: Session, _ sequence: Int64, _ reply: Reply, _ fault: GatewayFault? = nil
    ) {
        if session.post != nil { return answer(session, reply, fault) }
        workshop.plain.removeAll()
        reply.write(sequence: sequence, as: session.format, into: &workshop.plain)
        sendPlain(session)
    }

    /// The message in `workshop.plain`.
    func sendPlain(_ session: Session) {
        let opcode: Opcode = session.format == .binary ? .binary : .text
        counts.messagesOut &+= 1
        session.lastMessage = now
        if let deflate = session.deflate, workshop.plain.count >= Self.compressedBytesMin {
            spent &+= workshop.plain.count &* Work.packedByte
            workshop.deflate(windowBits: deflate.serverWindowBits)
            addRaw(session) { out in
                FrameWriter.header(
                    opcode, length: workshop.packed.count, isCompressed: true, into: &out)
                workshop.packed.withBytes { out.bytes($0) }
            }
        } else {
            addRaw(session) { out in
                workshop.plain.withBytes { FrameWriter.frame(opcode, $0, into: &out) }
            }
        }
    }

    /// The start of a message in `workshop.plain`, and its rest.
    func sendPlain(_ session: Session, _ rest: SharedBytes) {
        if session.deflate != nil, rest.count >= Self.compressedBytesMin {
            workshop.plain.bytes(rest.rest(from: 0))
            return sendPlain(session)
        }
        counts.messagesOut &+= 1
        session.lastMessage = now
        addRaw(session) { out in
            let opcode: Opcode = session.format == .binary ? .binary : .text
            FrameWriter.header(opcode, length: workshop.plain.count + rest.count, into: &out)
            workshop.plain.withBytes { out.bytes($0) }
        }
        session.output.addShared(rest)
        account(session)
    }

    /// Bytes as they are. They go to the arena, unless the socket is full and nobody would take
    /// them from there in this turn.
    @inline(__always)
    func addRaw(_ session: Session, _ write: (inout ByteWriter) -> Void) {
        let start = arena.count
        write(&arena)
        let count = arena.count - start
        guard count > 0 else { return }
        spent &+= count
        if session.isBlocked || start > Self.arenaBytesMax {
            arena.withBytes { bytes in
                session.output.addOwned(UnsafeRawBufferPointer(rebasing: bytes[start...]))
            }
            arena.truncate(to: start)
            account(session)
        } else {
            addArena(session, start: start, count: count)
        }
        wantWrite(session)
    }

    /// Bytes that lie in the arena, and may be others' too.
    @inline(__always)
    func addArena(_ session: Session, start: Int, count: Int) {
        session.output.addArena(start: start, count: count)
        if !session.usesArena {
            session.usesArena = true
            arenaUsers += 1
        }
    }

    /// Bytes that wait to be sent to a client, those of records included.
    public func unsentBytes(of id: SessionID) -> Int { sessions[id]?.output.unsentBytes ?? 0 }

    func wantWrite(_ session: Session) {
        guard !session.isWriteWanted, !session.isBlocked else { return }
        session.isWriteWanted = true
        effects.append(.wantsWrite(session.id))
    }
}
