import Bytes
import Compression
import WebSocketProtocol

/// The upgrade and the frames: any bytes are taken or refused, in whatever pieces they come.
let webSocketTargets = [
    FuzzTarget("websocket-upgrade", seeds: heads) { compareUpgrades($0) },
    FuzzTarget("websocket-frames", seeds: frames()) { compareFrames($0, nil) },
    FuzzTarget("websocket-deflate", seeds: frames(deflated: true)) { compareFrames($0, codec) },
]

private let limits = FrameLimits(messageBytesMax: 10_000, fragmentChargeBytes: 256)

/// One for all inputs, as on a loop.
nonisolated(unsafe) private let codec = DeflateCodec()

// MARK: Upgrades

private let heads: [[UInt8]] = [
    """
    GET /kafka?token=x HTTP/1.1\r
    Host: example.com:8080\r
    Upgrade: websocket\r
    Connection: keep-alive, Upgrade\r
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
    Sec-WebSocket-Version: 13\r
    Sec-WebSocket-Protocol: pubsub.proto, other\r
    Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits="10"; x, a;b=c\r
    Origin: https://[::1]:8443\r
    Content-Length: 0\r
    \r
    behind
    """,
    "GET http://a/%41/../b//./c HTTP/1.1\r\nHost: a\r\n\r\n", "POST * HTTP/1.0\r\n: \r\n\r\n",
    "POST /k HTTP/1.0\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
].map { Array($0.utf8) }

/// What a head came to, as text.
private func upgrade(_ bytes: UnsafeRawBufferPointer, step: Int) -> String {
    var parser = UpgradeParser(takesPosts: true)
    var at = 0
    while at < bytes.count {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[at..<min(bytes.count, at + step)])
        switch parser.feed(piece) {
        case .needMore: at += piece.count
        case .rejected(let rejection): return "\(rejection)"
        case .post(let request, let consumed):
            require(request.length >= 0 && request.path.hasPrefix("/"), "path \(request.path)")
            return "\(at + consumed) \(request)"
        case .request(let request, let consumed):
            answer(request)
            return "\(at + consumed) \(request)"
        }
    }
    return "more"
}

/// What a server does with a request: nothing of the client's may break the response.
private func answer(_ request: UpgradeRequest) {
    let policies = [OriginPolicy.sameHost, try? OriginPolicy(["*.example.com", "https://a:1"])]
    for policy in policies { _ = policy?.allows(request) }
    require(request.path.hasPrefix("/") && !request.path.contains("//"), "path \(request.path)")
    require(!request.path.split(separator: "/").contains(".."), "path \(request.path)")
    var output = ByteWriter()
    UpgradeResponse.write(
        to: request,
        subprotocol: Subprotocol.choose(offered: request.protocols, supported: ["pubsub.proto"]),
        deflate: DeflateAgreement.negotiate(request.extensions), into: &output)
    let lines = output.array.split(separator: UInt8(ascii: "\n"))
    require(lines.count <= 7 && lines.allSatisfy { $0.last == 13 }, "the response is split")
}

private func compareUpgrades(_ bytes: UnsafeRawBufferPointer) {
    let whole = upgrade(bytes, step: max(1, bytes.count))
    let stepped = upgrade(bytes, step: 1 + Int(bytes.last ?? 0) % 7)
    require(whole == stepped, "in pieces: \(stepped), whole: \(whole)")
}

// MARK: Frames

private func masked(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let length = payload.count
    let head: [UInt8] =
        length < 126 ? [0x80 | UInt8(length)] : [0xFE, UInt8(length >> 8), UInt8(length & 255)]
    return [first] + head + [0, 0, 0, 0] + payload
}

private func frames(deflated: Bool = false) -> [[UInt8]] {
    let text = [UInt8]("some text, some text, ünd 漢字".utf8)
    let whole = masked(0x81, text) + masked(0x89, [1]) + masked(0x88, [3, 0xE8] + text.prefix(9))
    let cut =
        masked(0x01, [UInt8](text.prefix(25))) + masked(0x8A, []) + masked(0x00, [])
        + masked(0x80, [UInt8](text.dropFirst(25)))
        + masked(0x82, [UInt8](repeating: 7, count: 300))
    guard deflated else { return [whole, cut, masked(0x88, [])] }
    var output = ByteWriter()
    text.withUnsafeBytes { RawDeflate().deflate($0, into: &output) }
    let packed = output.array.dropLast(RawDeflate.markerByteCount)
    return [
        masked(0xC1, [UInt8](packed)) + masked(0x81, text),
        masked(0x41, [UInt8](packed.prefix(5))) + masked(0x80, [UInt8](packed.dropFirst(5))),
    ]
}

/// What a stream came to, as text.
private func play(
    _ bytes: UnsafeRawBufferPointer, step: Int, _ codec: DeflateCodec?
) -> [String] {
    var connection = ServerConnection(limits: limits, deflate: codec)
    var seen: [String] = []
    var output = ByteWriter()
    var at = 0
    while at < bytes.count {
        var piece = Array(bytes[at..<min(bytes.count, at + step)])
        at += piece.count
        piece.withUnsafeMutableBytes { piece in
            var input = MutableInput(piece)
            do throws(WebSocketError) {
                while let event = try connection.next(&input) {
                    seen.append(describe(event))
                    connection.answer(event, into: &output)
                }
                require(input.isAtEnd, "input is left")
            } catch {
                seen.append("\(error)")
                connection.close(error.closeCode, reason: error.text, into: &output)
            }
        }
        require(connection.heldBytes <= limits.messageBytesMax + 256, "too much is held")
    }
    require(connection.isInsideOfMessage || connection.heldBytes == 0, "an idle one holds memory")
    return seen
}

private func describe(_ event: Event) -> String {
    switch event {
    case .message(let opcode, let bytes):
        require(bytes.count <= limits.messageBytesMax, "a message above the limit")
        let text = String(validating: bytes, as: UTF8.self)
        require(opcode == .binary || text != nil, "a text that is not UTF-8")
        return "\(opcode) \(Array(bytes))"
    case .ping(let bytes): return "ping \(Array(bytes))"
    case .pong(let bytes): return "pong \(Array(bytes))"
    case .close(let code, let reason): return "close \(code?.rawValue ?? 0) \(Array(reason))"
    }
}

private func compareFrames(_ bytes: UnsafeRawBufferPointer, _ codec: DeflateCodec?) {
    let whole = play(bytes, step: max(1, bytes.count), codec)
    let step = 1 + Int(bytes.last ?? 0) % 9
    let stepped = play(bytes, step: step, codec)
    require(whole == stepped, "in pieces of \(step): \(stepped), whole: \(whole)")
}
