import Bytes

/// Reads the head of an upgrade request from pieces of any size, each byte once. After a request
/// or a rejection the parser is used up.
public struct UpgradeParser: ~Copyable {
    public enum Progress: Sendable {
        case needMore
        /// The first `consumed` bytes of this call's input belong to the head, the rest to the
        /// WebSocket: a client may send frames before it has our answer.
        case request(UpgradeRequest, consumed: Int)
        /// A request with a body, of which the first bytes stand behind `consumed`.
        case post(PostRequest, consumed: Int)
        case rejected(HTTPRejection)
    }

    public let limits: UpgradeLimits
    /// `POST` is no mistake, unless it asks for an upgrade.
    public let takesPosts: Bool
    /// What was received of the line under way.
    private var line = ByteWriter()
    private var headBytes = 0
    private var requestLine: RequestLine?
    private var headers = HeaderFields()
    private var isOver = false

    public init(limits: UpgradeLimits = UpgradeLimits(), takesPosts: Bool = false) {
        self.limits = limits
        self.takesPosts = takesPosts
    }

    /// Whether nothing was received yet: a client that opens a connection and stays silent.
    public var isEmpty: Bool { headBytes == 0 }

    public mutating func feed(_ bytes: UnsafeRawBufferPointer) -> Progress {
        precondition(!isOver, "input behind the end of the head")
        do throws(HTTPRejection) {
            guard let consumed = try consume(bytes) else { return .needMore }
            isOver = true
            guard let requestLine else { return .needMore }
            if takesPosts, requestLine.method == "POST", headers.first("upgrade") == nil {
                return .post(try PostRequest(requestLine, headers), consumed: consumed)
            }
            let request = try UpgradeRequest(requestLine, headers, limits: limits)
            return .request(request, consumed: consumed)
        } catch {
            isOver = true
            line = ByteWriter()
            return .rejected(error)
        }
    }

    /// Answers the bytes up to the end of the head, or nil when it has not ended.
    private mutating func consume(
        _ bytes: UnsafeRawBufferPointer
    ) throws(HTTPRejection) -> Int? {
        if isEmpty, let first = bytes.first { try checkFirst(first) }
        var start = 0
        while start < bytes.count {
            let rest = bytes[start...]
            let end = rest.firstIndex(of: HTTPGrammar.lf)
            let piece = UnsafeRawBufferPointer(rebasing: rest[..<(end ?? rest.endIndex)])
            try checkSizes(line.count + piece.count, headBytes + piece.count)
            headBytes += piece.count + (end == nil ? 0 : 1)
            guard let end else {
                line.bytes(piece)
                return nil
            }
            start = end + 1
            if try isEndOfHead(piece) { return start }
        }
        return nil
    }

    /// Whether the line that ends with `piece` is the empty one behind the headers.
    private mutating func isEndOfHead(
        _ piece: UnsafeRawBufferPointer
    ) throws(HTTPRejection) -> Bool {
        guard !line.isEmpty else { return try isLastLine(piece) }
        line.bytes(piece)
        let whole = line.take()
        return try isLastLine(whole.bytes)
    }

    private mutating func isLastLine(
        _ line: UnsafeRawBufferPointer
    ) throws(HTTPRejection) -> Bool {
        // RFC 9112 section 2.2 would let us take a bare LF; a proxy may not have.
        guard line.last == HTTPGrammar.cr else { throw .malformed("a line ends without CR LF") }
        let text = UnsafeRawBufferPointer(rebasing: line[..<(line.count - 1)])
        guard requestLine != nil else {
            // RFC 9112 section 2.2: empty lines in front of the request are ignored.
            if !text.isEmpty { requestLine = try RequestLine(text) }
            return false
        }
        if text.isEmpty { return true }
        guard headers.count < limits.headerCountMax else {
            throw .headTooLarge("the request has more than \(limits.headerCountMax) headers")
        }
        try headers.append(line: text)
        return false
    }

    private func checkFirst(_ byte: UInt8) throws(HTTPRejection) {
        guard HTTPGrammar.isTokenByte(byte) || byte == HTTPGrammar.cr else {
            throw .malformed(
                byte == 0x16 ? "TLS is spoken to a port without TLS" : "this is not HTTP")
        }
    }

    private func checkSizes(_ lineBytes: Int, _ headBytes: Int) throws(HTTPRejection) {
        if requestLine == nil {
            guard lineBytes <= limits.requestLineBytesMax else { throw .targetTooLong }
        } else {
            guard lineBytes <= limits.lineBytesMax else {
                throw .headTooLarge("a header has more than \(limits.lineBytesMax) bytes")
            }
        }
        guard headBytes <= limits.headBytesMax else {
            throw .headTooLarge("the request has more than \(limits.headBytesMax) bytes")
        }
    }
}
