import GatewayCore
import Glibc
import WebSocketProtocol

/// A session whose host owns WebSocket, in its loop: messages both ways.
final class MessagePort: PipePort {
    /// Of one look at the pipe; the others' turn comes next.
    private static let messagesPerTurnMax = 64

    private var splitter = MessageSplitter()

    override func attend() {
        for _ in 0..<Self.messagesPerTurnMax {
            guard attendOne(), isOpen, !isPaused else { return }
        }
        driver.markReady(self)
    }

    /// False: there was nothing more.
    private func attendOne() -> Bool {
        var large: UnsafeMutableRawBufferPointer?
        defer { large?.deallocate() }
        let found = pipe.attendMessage(into: isPaused ? nil : driver.inbox) { count in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
            large = memory
            return memory
        }
        heed(
            found, UnsafeMutableRawBufferPointer(rebasing: (large ?? driver.inbox)[..<found.count]))
        return found.hasMore
    }

    override func take(_ found: HostPipe.Attendance, _ bytes: UnsafeMutableRawBufferPointer) {
        guard let opcode = found.opcode else { return }
        let now = driver.loop.now
        let bytes = UnsafeRawBufferPointer(bytes)
        switch opcode {
        case .text, .binary:
            driver.engine.message(id, isText: opcode == .text, bytes, now: now)
        case .close where bytes.count >= 2:
            let code = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
            let reason = String(
                decoding: UnsafeRawBufferPointer(rebasing: bytes[2...]), as: UTF8.self)
            driver.engine.peerClosed(id, code: code, reason: reason, now: now)
        default: driver.engine.endOfStream(id, now: now)
        }
        driver.perform()
    }

    /// Makes events of messages. The host's unpolled ones are what fills up.
    override func write(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        var taken = 0
        let isQuiet = tellsByReturn
        for vector in vectors {
            guard pipe.hasMessageRoom() else { break }
            splitter.take(UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len)) {
                [session, pipe] opcode, message in
                var event = session.event(.message)
                event.code = Int32(opcode)
                event.data = EventData(copying: message)
                event.byteCount = message.count + HostPipe.messageOverhead
                event.receipt = pipe
                pipe.pushes(event.byteCount)
                if !session.push(event, isQuiet: isQuiet) {
                    pipe.eventLeft(byteCount: event.byteCount)
                }
            }
            answersOutput = isQuiet
            taken += vector.iov_len
        }
        return taken
    }

    override func endWrites() {}
}
