import Bytes
import Testing
import Timing

@testable import WebSocketProtocol

/// What a test sees of an event: its bytes are only lent.
enum Seen: Equatable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16?, String)
    case fault(WebSocketError.Reason, at: UInt64)

    init(_ event: Event) {
        switch event {
        case .message(.text, let bytes): self = .text(String(decoding: bytes, as: UTF8.self))
        case .message(_, let bytes): self = .binary([UInt8](bytes))
        case .ping(let bytes): self = .ping([UInt8](bytes))
        case .pong(let bytes): self = .pong([UInt8](bytes))
        case .close(let code, let reason):
            self = .close(code?.rawValue, String(decoding: reason, as: UTF8.self))
        }
    }
}

/// Plays bytes against a fresh connection.
struct Transcript {
    var limits = FrameLimits()
    var isDeflating = false

    /// The events of a stream that arrives in pieces of the sizes that `sizes` answers.
    func play(_ bytes: [UInt8], sizes: () -> Int) -> [Seen] {
        var connection = ServerConnection(
            limits: limits, deflate: isDeflating ? DeflateCodec() : nil)
        var seen: [Seen] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            var piece = [UInt8](rest.prefix(max(1, sizes())))
            rest = rest.dropFirst(piece.count)
            seen += Self.events(&piece, &connection)
        }
        if !connection.isInsideOfMessage { #expect(connection.heldBytes == 0) }
        return seen
    }

    static func events(_ piece: inout [UInt8], _ connection: inout ServerConnection) -> [Seen] {
        var seen: [Seen] = []
        piece.withUnsafeMutableBytes { bytes in
            var input = MutableInput(bytes)
            do throws(WebSocketError) {
                while let event = try connection.next(&input) { seen.append(Seen(event)) }
                #expect(input.isAtEnd)
            } catch {
                seen.append(.fault(error.reason, at: error.frameOffset))
            }
        }
        return seen
    }

    /// Chunking must not matter: whole, byte by byte, and in random pieces.
    func verify(
        _ bytes: [UInt8], _ expected: [Seen],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(play(bytes) { bytes.count } == expected, "whole", sourceLocation: sourceLocation)
        if bytes.count < 100_000 {
            #expect(play(bytes) { 1 } == expected, "bytewise", sourceLocation: sourceLocation)
        }
        for seed in 0..<UInt64(8) {
            var random = SeededRandom(seed: seed)
            let most = [3, 7, 40, 700][Int(seed % 4)] * max(1, bytes.count / 20_000)
            let seen = play(bytes) { Int.random(in: 1...most, using: &random) }
            #expect(seen == expected, "pieces, seed \(seed)", sourceLocation: sourceLocation)
        }
    }
}
