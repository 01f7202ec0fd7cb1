import Testing
import WebSocketProtocol

/// Heads of requests with a body.
@Suite struct PostRequestTests {
    private static let type = "Content-Type: application/json"
    private static let length = "Content-Length: 2"

    private func head(_ lines: [String], version: String = "1.1") -> [UInt8] {
        let head = ["POST /k?x HTTP/\(version)", "Host: a.example"] + lines
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n{}").utf8)
    }

    private func outcome(_ lines: [String], version: String = "1.1") -> Outcome {
        let bytes = head(lines, version: version)
        let whole = parse(bytes, takesPosts: true).outcome
        // Chunking must not matter, but to what stands behind the head.
        let single = parse(bytes, takesPosts: true, sizes: { 1 }).outcome
        #expect("\(whole)".prefix(20) == "\(single)".prefix(20))
        return whole
    }

    @Test("a request as curl sends it, and as a proxy hands it on")
    func whole() {
        let expected = Outcome.post(path: "/k", length: 2, behind: Array("{}".utf8))
        #expect(outcome([Self.type, Self.length]) == expected)
        #expect(outcome([Self.type + "; charset=utf-8", Self.length]) == expected)
        #expect(outcome(["content-type: APPLICATION/JSON", Self.length]) == expected)
        #expect(outcome([Self.type, Self.length], version: "1.0") == expected)
        #expect(outcome([Self.type, Self.length, "Origin: https://x.example"]) == expected)
        #expect(outcome([Self.type, Self.length, "Sec-Fetch-Site: same-origin"]) == expected)
    }

    @Test(
        "what is refused",
        arguments: [
            ([type], 411), ([type, length, "Transfer-Encoding: chunked"], 411),
            ([type, length, length], 400), ([type, "Content-Length: +2"], 400),
            ([type, "Content-Length: 2, 2"], 400), ([type, "Content-Length: -1"], 400),
            ([type, "Content-Length: 1234567890123"], 400), ([type, "Content-Length: "], 400),
            ([length], 415), (["Content-Type: text/plain", length], 415),
            (["Content-Type: application/jsonp", length], 415), ([type, type, length], 400),
            ([type, length, "Sec-Fetch-Site: cross-site"], 403),
            ([type, length, "Upgrade: websocket"], 405), ([type, length, "Host: b"], 400),
        ])
    func refused(_ lines: [String], _ status: Int) {
        guard case .rejected(status, _) = outcome(lines) else {
            Issue.record("\(lines): \(outcome(lines))")
            return
        }
    }

    @Test("where nobody takes them they are the wrong method")
    func notTaken() {
        verify(head([Self.type, Self.length]), .rejected(405, .method))
    }
}
