import Timing
import WebSocketProtocol

/// A request with a command in its body, from its head to its answer.
final class PostInProgress {
    let request: PostRequest
    /// What was received of the body.
    private(set) var body: [UInt8] = []
    /// When the body has to be there.
    let endsAt: Instant
    /// The command is asked for; nothing more is read.
    var isAsked = false

    init(_ request: PostRequest, endsAt: Instant) {
        self.request = request
        self.endsAt = endsAt
    }

    var isWhole: Bool { body.count == request.length }

    /// What comes behind the body is nobody's: the connection ends with the answer.
    func take(_ bytes: UnsafeRawBufferPointer) {
        body.append(contentsOf: bytes.prefix(request.length - body.count))
    }

    func letGoOfBody() { body = [] }
}
