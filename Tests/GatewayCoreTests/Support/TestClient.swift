import GatewayCore
import Glibc

/// A client of the gateway under test, and its socket.
final class TestClient {
    let id: SessionID
    let rig: Rig
    /// What the socket takes until it is full; nil: everything.
    var room: Int?
    /// At most so many bytes in one write.
    var writeMax = Int.max
    var isReadingPaused = false
    var isClosed = false
    var lingered = false
    var closed: SessionClosed?
    var isBlocked = false
    /// The raw stream, and how far it was parsed.
    private(set) var stream: [UInt8] = []
    /// How often something was offered to its socket.
    private(set) var writeCount = 0
    private var parsed = 0
    private var message: (opcode: UInt8, payload: [UInt8], rsv1: Bool, fragments: Int)?
    /// Frames that are not data, as they came.
    var controls: [ClientFrame] = []
    var fragmentsMax = 0
    var largestFrame = 0

    init(_ id: SessionID, _ rig: Rig) {
        self.id = id
        self.rig = rig
    }

    // MARK: Sending

    func sendRaw(_ bytes: [UInt8]) {
        var bytes = bytes
        bytes.withUnsafeMutableBytes { rig.engine.received(id, $0, now: rig.now) }
        rig.settle()
    }

    func sendRaw(_ text: String) { sendRaw(Array(text.utf8)) }

    func send(_ frames: ClientFrame...) { sendRaw(frames.flatMap(\.bytes)) }

    /// One binary message each, in one segment.
    func send(_ requests: [UInt8]...) {
        sendRaw(requests.flatMap { ClientFrame(opcode: ClientFrame.binary, payload: $0).bytes })
    }

    func send(text: String) {
        send(ClientFrame(opcode: ClientFrame.text, payload: Array(text.utf8)))
    }

    func sendClose(_ code: UInt16?, _ reason: String = "") {
        let payload = code.map { [UInt8($0 >> 8), UInt8($0 & 255)] + Array(reason.utf8) } ?? []
        send(ClientFrame(opcode: ClientFrame.close, payload: payload))
    }

    func endOfStream() {
        rig.engine.endOfStream(id, now: rig.now)
        rig.settle()
    }

    /// A pong nobody asked for: a sign of life.
    func keepAlive() {
        guard !isClosed else { return }
        send(ClientFrame(opcode: ClientFrame.pong, payload: []))
    }

    // MARK: The socket

    func write(_ buffers: UnsafeBufferPointer<iovec>) -> Int {
        writeCount += 1
        var taken = 0
        for buffer in buffers {
            let bytes = UnsafeRawBufferPointer(start: buffer.iov_base, count: buffer.iov_len)
            let count = min(bytes.count, room ?? .max, writeMax - taken)
            stream += bytes[..<count]
            taken += count
            if let room { self.room = room - count }
            if count < bytes.count { break }
        }
        return taken
    }

    /// Makes room, as a reader does.
    func read(_ count: Int? = nil) {
        room = count
        guard isBlocked else { return }
        isBlocked = false
        rig.write(self)
        rig.settle()
    }

    // MARK: Receiving

    /// The response head, up to the empty line; nil: not there yet.
    func takeHead() -> String? {
        let end = stream.indices.dropLast(3).first {
            stream[$0...].starts(with: Array("\r\n\r\n".utf8))
        }
        guard let end else { return nil }
        parsed = end + 4
        return String(decoding: stream[..<parsed], as: UTF8.self)
    }

    /// What followed the head, for refusals.
    var restText: String { String(decoding: stream[parsed...], as: UTF8.self) }

    /// Data messages that came since the last call. Control frames go to `controls`.
    func takeMessages() -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var rest = stream[parsed...]
        while let frame = ClientFrame.take(&rest) {
            parsed = rest.startIndex
            if frame.opcode >= 8 {
                controls.append(frame)
                continue
            }
            largestFrame = max(largestFrame, frame.payload.count)
            if frame.opcode == 0 {
                precondition(message != nil, "a continuation without a start")
                message?.payload += frame.payload
                message?.fragments += 1
            } else {
                precondition(message == nil, "a message inside of a message")
                message = (frame.opcode, frame.payload, frame.rsv1, 1)
            }
            guard frame.isFinal, let whole = message else { continue }
            message = nil
            fragmentsMax = max(fragmentsMax, whole.fragments)
            messages.append(whole.rsv1 ? rig.inflate(whole.payload) : whole.payload)
        }
        return messages
    }

    func takeReplies() throws -> [Response] { try takeMessages().map { try Response($0) } }

    func takeTexts() -> [String] { takeMessages().map { String(decoding: $0, as: UTF8.self) } }

    /// The only reply to a request.
    func ask(_ request: [UInt8]) throws -> Response {
        send(request)
        let replies = try takeReplies()
        guard replies.count == 1 else { throw WrongCount(replies: replies) }
        return replies[0]
    }

    struct WrongCount: Error { let replies: [Response] }

    /// The Close frame that came, as code and reason.
    var closeFrame: (code: UInt16?, reason: String)? {
        _ = takeMessages()
        guard let frame = controls.last(where: { $0.opcode == ClientFrame.close }) else {
            return nil
        }
        guard frame.payload.count >= 2 else { return (nil, "") }
        let code = UInt16(frame.payload[0]) << 8 | UInt16(frame.payload[1])
        return (code, String(decoding: frame.payload[2...], as: UTF8.self))
    }
}
