import Bytes
import Testing
import Timing

@testable import WebSocketProtocol

/// A request head that tests bend.
struct Head {
    var line = "GET /kafka?token=x HTTP/1.1"
    var headers = [
        "Host: example.com", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
    ]

    var bytes: [UInt8] { [UInt8]((([line] + headers).joined(separator: "\r\n") + "\r\n\r\n").utf8) }

    static func adding(_ lines: String...) -> Head { Head(headers: Head().headers + lines) }
    /// The headers whose name begins with `name` are replaced.
    static func replacing(_ name: String, _ lines: String...) -> Head {
        Head(headers: Head().headers.filter { !$0.hasPrefix(name + ":") } + lines)
    }
    init(_ line: String) { self.line = line }
    init(headers: [String]) { self.headers = headers }
    init() {}
}

/// The outcome, as a test sees it.
enum Outcome: Equatable {
    case more
    case request(path: String, behind: [UInt8])
    case post(path: String, length: Int, behind: [UInt8])
    case rejected(Int, HTTPRejection.Kind)
}

func parse(
    _ bytes: [UInt8], limits: UpgradeLimits = UpgradeLimits(), takesPosts: Bool = false,
    sizes: () -> Int = { .max }
) -> (outcome: Outcome, request: UpgradeRequest?, rejection: HTTPRejection?) {
    var parser = UpgradeParser(limits: limits, takesPosts: takesPosts)
    var rest = bytes[...]
    while !rest.isEmpty {
        let piece = [UInt8](rest.prefix(max(1, sizes())))
        switch piece.withUnsafeBytes({ parser.feed($0) }) {
        case .needMore: rest = rest.dropFirst(piece.count)
        case .request(let request, let consumed):
            let behind = [UInt8](rest.dropFirst(consumed))
            return (.request(path: request.path, behind: behind), request, nil)
        case .post(let request, let consumed):
            let behind = [UInt8](rest.dropFirst(consumed))
            return (
                .post(path: request.path, length: request.length, behind: behind), nil, nil
            )
        case .rejected(let rejection):
            return (.rejected(rejection.status, rejection.kind), nil, rejection)
        }
    }
    return (.more, nil, nil)
}

/// Chunking must not matter.
func verify(
    _ bytes: [UInt8], _ expected: Outcome, limits: UpgradeLimits = UpgradeLimits(),
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(
        parse(bytes, limits: limits).outcome == expected, "whole", sourceLocation: sourceLocation)
    #expect(
        parse(bytes, limits: limits) { 1 }.outcome == expected, "bytewise",
        sourceLocation: sourceLocation)
    for seed in 0..<UInt64(4) {
        var random = SeededRandom(seed: seed)
        let seen = parse(bytes, limits: limits) { Int.random(in: 1...90, using: &random) }
        #expect(seen.outcome == expected, "pieces, seed \(seed)", sourceLocation: sourceLocation)
    }
}

/// RFC 6455 section 4.2.1: the requests that are upgrades.
@Suite struct UpgradeTests {
    @Test func theUsualRequest() throws {
        let request = try #require(
            parse(
                Head.adding(
                    "Origin: https://example.com", "X-Thing:  a b \t",
                    "Sec-WebSocket-Protocol: pubsub.json, other",
                    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
                ).bytes
            ).request)
        #expect(request.path == "/kafka")
        #expect(request.target == "/kafka?token=x")
        #expect(request.query == "token=x")
        #expect(request.host == Authority(host: "example.com", port: nil))
        #expect(request.origin == "https://example.com")
        #expect(request.protocols == ["pubsub.json", "other"])
        #expect(request.extensions.map(\.name) == ["permessage-deflate"])
        #expect(request.headers.first("x-thing") == "a b")
        #expect(request.version == 13)
    }

    @Test func bytesBehindTheHeadAreKept() {
        verify(Head().bytes, .request(path: "/kafka", behind: []))
        #expect(
            parse(Head().bytes + [0x81, 0x80, 10, 13]).outcome
                == .request(path: "/kafka", behind: [0x81, 0x80, 10, 13]))
    }

    @Test(arguments: [
        Head.replacing("Upgrade", "UPGRADE: WebSocket"),
        Head.replacing("Upgrade", "Upgrade: h2c, websocket"),
        Head.replacing("Connection", "connection: keep-alive, upgrade"),
        Head.replacing("Connection", "Connection: keep-alive", "Connection: UPGRADE"),
        Head.adding("Content-Length: 0"), Head.adding("X-Empty:"),
        Head("GET http://example.com/kafka HTTP/1.1"),
        Head("GET /%6bafka?%zz HTTP/1.1"),
    ])
    func otherFormsOfIt(head: Head) {
        verify(head.bytes, .request(path: "/kafka", behind: []))
    }

    @Test func emptyLinesInFrontAreIgnored() {
        verify([13, 10, 13, 10] + Head().bytes, .request(path: "/kafka", behind: []))
    }

    @Test(
        "a path is decoded once",
        arguments: [
            ("/", "/"), ("/a/", "/a/"), ("/caf%C3%A9", "/café"), ("/..a", "/..a"),
            ("/a%252fb", "/a%2fb"), ("/a;v=1/b", "/a;v=1/b"), ("http://example.com?x", "/"),
            ("/%3f?/../x", "/?"),
        ])
    func paths(target: String, path: String) {
        verify(Head("GET \(target) HTTP/1.1").bytes, .request(path: path, behind: []))
    }

    @Test("empty members of a list are ignored (RFC 9110 section 5.6.1.2)")
    func emptyListMembers() {
        let head = Head.adding(
            "Sec-WebSocket-Protocol: , a,, b ,", "Sec-WebSocket-Protocol:",
            "Sec-WebSocket-Extensions: ,, x; y=1 , ,z,")
        let request = parse(head.bytes).request
        #expect(request?.protocols == ["a", "b"])
        #expect(request?.extensions.map(\.name) == ["x", "z"])
        verify(
            Head.replacing("Connection", "Connection: , ,upgrade,").bytes,
            .request(path: "/kafka", behind: []))
    }
}

/// What is refused, and with which status.
@Suite struct UpgradeRejectionTests {
    static let malformed = Outcome.rejected(400, .malformed)

    @Test(arguments: [
        Head("GET /%ff HTTP/1.1"), Head("GET /%c0%af HTTP/1.1"),
        Head("GET /%1 HTTP/1.1"), Head("GET /a#b HTTP/1.1"), Head("GET * HTTP/1.1"),
        Head("GET example.com:80 HTTP/1.1"), Head("GET ftp://example.com/ HTTP/1.1"),
        Head("GET  /a HTTP/1.1"), Head("GET /a  HTTP/1.1"), Head("GET /a HTTP/1.1 "),
        Head("GET /a\tb HTTP/1.1"), Head("GET /ä HTTP/1.1"), Head("GET /a"),
        Head(" GET /a HTTP/1.1"),
        Head("GET /a HTTP/1.0"), Head("GET /a HTTP/2.0"), Head("GET /a http/1.1"),
        Head("PRI * HTTP/2.0"), Head("G(T /a HTTP/1.1"), Head("GET http://other.org/ HTTP/1.1"),
    ])
    func requestLines(head: Head) { verify(head.bytes, Self.malformed) }

    @Test(
        "a path that two servers could read in two ways is refused, not resolved",
        arguments: [
            "/a/../b", "/..", "/a/..", "/./a", "/a/.", "/a/%2e%2E/b", "/a/%2e", "/%2e./b",
            "/a/.%2e/b", "/a/..;x=1/b", "/a/.;/b", "/a%2Fb", "/a/..%2fb", "//a", "/a//b", "/a//",
            "/a%5cb", "/a\\b", "/..\\b", "/a%00", "/a%0ab", "/a%7fb", "http://example.com//a",
        ])
    func ambiguousPaths(target: String) {
        verify(Head("GET \(target) HTTP/1.1").bytes, Self.malformed)
    }

    @Test(arguments: [
        Head.replacing("Upgrade"), Head.replacing("Upgrade", "Upgrade: h2c"),
        Head.replacing("Upgrade", "Upgrade: websockets"), Head.replacing("Connection"),
        Head.replacing("Connection", "Connection: keep-alive, notupgrade"),
        Head.replacing("Sec-WebSocket-Version"),
        Head.adding("Sec-WebSocket-Version: 13"),
        Head.replacing("Host"), Head.adding("Host: example.com"), Head.replacing("Host", "Host:"),
        Head.replacing("Host", "Host: a b"), Head.replacing("Host", "Host: user@example.com"),
        Head.replacing("Host", "Host: a:99999"), Head.replacing("Host", "Host: a, b"),
        Head.replacing("Host", "Host: [::1"),
        Head.replacing("Sec-WebSocket-Key"),
        Head.replacing("Sec-WebSocket-Key", "Sec-WebSocket-Key:"),
        Head.replacing("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ==="),
        Head.replacing("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub24="),
        Head.replacing("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQQ="),
        Head.replacing("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ=="),
        Head.adding("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        Head.adding("Origin: https://a.com", "Origin: https://b.com"),
    ])
    func handshakesThatMissAPoint(head: Head) { verify(head.bytes, Self.malformed) }

    @Test(
        "Smuggling: what two parsers on a path could read differently",
        arguments: [
            Head.adding("Content-Length: 5"), Head.adding("Content-Length: 00"),
            Head.adding("Content-Length: 0", "Content-Length: 0"),
            Head.adding("Transfer-Encoding: chunked"), Head.adding("Transfer-Encoding: identity"),
            Head.adding("X-Name : a"), Head.adding(" folded"), Head.adding("X-A: b", "\tfolded"),
            Head.adding("X-A: b\u{0}c"), Head.adding("X-A: b\rc"), Head.adding("X-A: b\u{7F}"),
            Head.adding("NoColon"), Head.adding(": noname"), Head.adding("X A: b"),
            Head.adding("X-A: b\nX-B: c"), Head.adding("X\u{0}A: b"),
        ])
    func smuggling(head: Head) { verify(head.bytes, Self.malformed) }

    @Test func bareLineFeeds() {
        let text = String(decoding: Head().bytes, as: UTF8.self)
        let bare = text.utf8.filter { $0 != 13 }
        verify([UInt8](bare), Self.malformed)
    }

    @Test(arguments: ["12", "8", "14", "013", "13, 8", ""])
    func otherVersionsAreToldOurs(version: String) {
        let head = Head.replacing("Sec-WebSocket-Version", "Sec-WebSocket-Version: \(version)")
        verify(head.bytes, .rejected(426, .version))
        let text = response(parse(head.bytes).rejection)
        #expect(text.hasPrefix("HTTP/1.1 426 Upgrade Required\r\n"))
        #expect(text.contains("\r\nSec-WebSocket-Version: 13\r\n"))
        #expect(text.contains("\r\nUpgrade: websocket\r\n"))
    }

    @Test(arguments: ["POST", "HEAD", "CONNECT", "get"])
    func otherMethodsAreToldOurs(method: String) {
        let head = Head("\(method) /kafka HTTP/1.1")
        verify(head.bytes, .rejected(405, .method))
        #expect(response(parse(head.bytes).rejection).contains("\r\nAllow: GET\r\n"))
    }

    @Test(arguments: ["a b", "a;b", "\"a\"", "a, a", "a,,a"])
    func malformedSubprotocols(value: String) {
        verify(Head.adding("Sec-WebSocket-Protocol: \(value)").bytes, Self.malformed)
    }

    @Test(arguments: [
        "a;", "a; b=", "a; =b", "a; b=\"", "a; b=\"c", "a; b=\"c d\"", "a b", "a,;b",
    ])
    func malformedExtensions(value: String) {
        verify(Head.adding("Sec-WebSocket-Extensions: \(value)").bytes, Self.malformed)
    }

    @Test func headsBeyondALimitAreRefused() {
        let long = String(repeating: "a", count: 100_000)
        let tooLarge = Outcome.rejected(431, .tooLarge)
        verify(Head("GET /\(long) HTTP/1.1").bytes, .rejected(414, .tooLarge))
        verify(Head.adding("X-Long: \(long.prefix(9_000))").bytes, tooLarge)
        verify(
            Head.adding("X-Long: \(long.prefix(8_000))").bytes, .request(path: "/kafka", behind: [])
        )
        var many = Head()
        for number in 0..<2_000 { many.headers.append("X-\(number): a") }
        verify(many.bytes, tooLarge)
        var large = Head()
        for number in 0..<5 { large.headers.append("X-\(number): \(long.prefix(7_000))") }
        verify(large.bytes, tooLarge)
        let names = (0..<40).map { "p\($0)" }.joined(separator: ",")
        verify(Head.adding("Sec-WebSocket-Protocol: \(names)").bytes, tooLarge)
        verify(Head.adding("Sec-WebSocket-Extensions: \(names)").bytes, tooLarge)
    }

    @Test func aLineThatNeverEndsIsRefusedAtItsLimit() {
        let bytes = [UInt8]("GET /".utf8) + [UInt8](repeating: 0x61, count: 8_188)
        #expect(parse(bytes).outcome == .rejected(414, .tooLarge))
        #expect(parse(bytes.dropLast()).outcome == .more)
    }

    @Test func whatIsNotHTTPIsRefusedAtItsFirstByte() {
        #expect(parse([0x16]).rejection?.text == "TLS is spoken to a port without TLS")
        #expect(parse([0x00]).outcome == Self.malformed)
    }

    @Test func everyResponseIsWholeAndHoldsNothingOfTheClient() {
        for rejection in [
            .malformed("text"), .foreignOrigin, .noRoute, .method, .targetTooLong, .version,
            .headTooLarge("text"), .unavailable(.draining, "text"),
        ] as [HTTPRejection] {
            let parts = response(rejection).split(separator: "\r\n\r\n")
            #expect(parts.count == 2)
            #expect(parts.last.map(String.init) == rejection.text + "\n")
            let length = "Content-Length: \(rejection.text.utf8.count + 1)"
            #expect(parts[0].contains("\r\n\(length)\r\n"))
            #expect(parts[0].contains("\r\nConnection: close"))
        }
    }

    func response(_ rejection: HTTPRejection?) -> String {
        var output = ByteWriter()
        rejection?.write(into: &output)
        return String(decoding: output.array, as: UTF8.self)
    }

    @Test(arguments: 0..<20) func randomHeadsNeverTrap(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let good = Head.adding(
            "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: a; b=\"c\"",
            "Origin: https://[::1]:80"
        ).bytes
        for _ in 0..<40 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                bytes[at] =
                    [0, 9, 10, 13, 32, 34, 37, 44, 58, 59, 61, 91, 93, 255]
                    .randomElement(using: &random) ?? 0
            }
            verify(bytes, parse(bytes).outcome)
        }
    }
}
